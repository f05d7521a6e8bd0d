// Header prediction (V. Jacobson; RFC 9293 §3.10.7 leaves the order of work open as long as the result is the same):
// what arrives most, the next text in order or an ACK on an ESTABLISHED connection without anything unusual, is
// recognised by a few compares, and its text is summed while it is copied into the ring. Everything else, and all that
// is wrong, goes the long way (stack.ts, input.ts), from the beginning.

import { config, ETHERNET_SIZE } from "../config";
import { clock } from "../core/clock";
import { count, countBy, Mib } from "../core/counters";
import { foldSum, sumBytes } from "../core/checksum";
import { sumBetween } from "../address/names";
import { Event } from "../core/events";
import { seqLt, seqLe } from "../core/seq";
import { ringWriteSum } from "../buffers/ring";
import { Ipv4, PROTO_TCP } from "../wire/ipv4";
import { ACK, PSH, TcpHeader } from "../wire/tcp";
import { isOwn } from "../ip/address";
import { acknowledge } from "./acknowledge";
import { demuxFind, isConn } from "./block/demux";
import { Has, RECOVERING, recvRing, tcbAt, tcbHas, tell } from "./block/tcb";
import { State } from "./block/state";
import { Timer } from "./block/timers";
import { ackSoon } from "./block/acks";
import { segmentRead } from "./segment/read";

/** In memory order: IPv4's type, version 4 and 20 bytes of header. */
const TYPE_VERSION: u32 = 0x450008;
/** NOP, NOP, timestamps, 10 bytes. */
const TIMESTAMPS: u32 = 0x0a080101;
const WITH_TIMESTAMPS: u32 = TcpHeader.SIZE + 12;

/**
 * Takes in the frame of `size` bytes, addressed to us alone, if it is one of those. Returns
 * whether it was; else nothing has happened.
 */
export function predict(frame: usize, size: u32): bool {
  const ip = changetype<Ipv4>(frame + ETHERNET_SIZE), tcp = changetype<TcpHeader>(frame + ETHERNET_SIZE + Ipv4.SIZE);
  if (size < ETHERNET_SIZE + Ipv4.SIZE + TcpHeader.SIZE || (load<u32>(frame, 12) & 0xffffff) != TYPE_VERSION ||
      ip.protocol != PROTO_TCP) return false;
  const total = ip.totalSize, dst = ip.dst;
  // DF may be set: 0x40 in memory order. A segment with an ECN mark goes the long way.
  if (total > size - ETHERNET_SIZE || (load<u16>(changetype<usize>(ip), 6) & ~0x40) != 0 || dst != config.ip ||
      (ip.tos & 3) != 0) return false;
  const header = tcp.headerSize, flags = tcp.flags;
  if ((flags & ~PSH) != ACK || total < Ipv4.SIZE + header) return false;
  const src = ip.src, owner = demuxFind(dst, src, (tcp.srcPort << 16) | tcp.dstPort);
  // What we send to ourselves comes by the loop, and that does not lead here: on
  // the wire it is forged (RFC 1122 §3.2.1.3).
  if (!isConn(owner) || isOwn(src)) return false;
  const t = tcbAt(owner);
  if (t.state != <u8>State.ESTABLISHED ||
      tcbHas(t, RECOVERING | Has.ORPHAN | Has.URGENT_OUT | Has.FIN_EARLY | Has.DSACK)) return false;
  if (t.outOfOrder != 0 || t.ecn != 0 || t.timerKind == <u8>Timer.PERSIST) return false;
  const seq = tcp.seq, ack = tcp.ack, text = total - Ipv4.SIZE - header;
  if (seq != t.rcvNxt || text > t.rcvAdv - seq || text > config.recvRing - t.rcvSize || seqLt(ack, t.sndUna) ||
      seqLt(t.sndNxt, ack)) return false;
  const stamps = tcbHas(t, Has.TIMESTAMPS), data = changetype<usize>(tcp) + header;
  let tsVal: u32 = 0;
  if (stamps) {
    if (header != WITH_TIMESTAMPS || load<u32>(changetype<usize>(tcp), 20) != TIMESTAMPS) return false;
    tsVal = bswap<u32>(load<u32>(changetype<usize>(tcp), 24));
    if (seqLt(tsVal, t.tsRecent)) return false;
  } else if (header != TcpHeader.SIZE) {
    return false;
  }
  // The sums. Nothing lies in the ring behind RCV.NXT, so text with a bad one leaves no trace there.
  if (!ip.checksumOk) return false;
  let sum = sumBytes(changetype<usize>(tcp), header, sumBetween(src, dst, PROTO_TCP, total - Ipv4.SIZE));
  if (text != 0) sum += ringWriteSum(recvRing(t), config.recvRing, t.rcvHead, t.rcvSize, data, text);
  if (foldSum(sum) != 0) return false;

  count(Mib.ifInFrames);
  countBy(Mib.ifInOctets, size);
  count(Mib.ipInReceives);
  count(Mib.ipInDelivers);
  count(Mib.tcpInSegs);
  t.heardAt = clock.us;
  t.keepSent = 0;
  if (stamps && seqLe(seq, t.lastAckSent)) {
    t.tsRecent = tsVal;
    t.tsRecentAt = clock.ms;
  }
  const wnd = tcp.window;
  if (ack == t.sndNxt && ack == t.sndUna && wnd << t.sndScale == t.sndWnd) {
    t.sndWl1 = seq;
    t.sndWl2 = ack;
  } else {
    segmentRead(ip, tcp, total - Ipv4.SIZE);
    acknowledge(t);
  }
  if (text == 0) return true;
  t.rcvNxt = seq + text;
  t.rcvSize += text;
  ackSoon(t, text);
  tell(t, Event.READABLE);
  return true;
}
