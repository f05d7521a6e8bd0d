// Header prediction (V. Jacobson; RFC 9293 §3.10.7 leaves the order of work open as long as the result is the same):
// what arrives most, the next text in order or an ACK on an ESTABLISHED connection without anything unusual, is
// recognised by a few compares, and its text is summed while it is copied into the ring. Everything else, and all that
// is wrong, goes the long way (stack.ts, input.ts), from the beginning.

import { config, ETHERNET_SIZE } from "../config";
import { IPV6 } from "../features";
import { clock } from "../core/clock";
import { count, countBy, Mib } from "../core/counters";
import { foldSum, sumBytes, sumPseudo } from "../core/checksum";
import { Address, namesSettle } from "../address/names";
import { Event } from "../core/events";
import { seqLt, seqLe } from "../core/seq";
import { ringWriteSum } from "../buffers/ring";
import { IP_DF_RAW, Ipv4, PROTO_TCP } from "../wire/ipv4";
import { Ipv6 } from "../wire/ipv6";
import { ACK, PSH, TcpHeader } from "../wire/tcp";
import { isOwn } from "../ip/address";
import { pair, pairFind } from "../ip/input6";
import { interface6 } from "../ip/interface6";
import { acknowledge } from "./acknowledge";
import { demuxFind, isConn } from "./block/demux";
import { Has, RECOVERING, recvRing, tcbAt, tcbHas, tell } from "./block/tcb";
import { State } from "./block/state";
import { Timer } from "./block/timers";
import { ackSoon } from "./block/acks";
import { isOldFor } from "./block/timestamps";
import { segmentRead } from "./segment/read";

/** In memory order: IPv4's type, version 4 and 20 bytes of header. */
const TYPE_VERSION: u32 = 0x450008;
/** IPv6's type and version 6, of `VERSION6_MASK`; the rest is the traffic class. */
const TYPE_VERSION6: u32 = 0x60dd86;
const VERSION6_MASK: u32 = 0xf0ffff;
/** NOP, NOP, timestamps, 10 bytes. */
const TIMESTAMPS: u32 = 0x0a080101;
const WITH_TIMESTAMPS: u32 = TcpHeader.SIZE + 12;
/** Where TSval is then: behind NOP, NOP, kind and length. */
const TSVAL_AT: usize = TcpHeader.SIZE + 4;

/**
 * Takes in the frame of `size` bytes, addressed to us alone, if it is one of those. Returns
 * whether it was; else nothing has happened.
 */
export function takePredicted(frame: usize, size: u32): bool {
  if (size < ETHERNET_SIZE + Ipv4.SIZE + TcpHeader.SIZE) return false;
  const kind = load<u32>(frame, 12) & 0xffffff;
  if (kind == TYPE_VERSION) return takeExpected4(changetype<Ipv4>(frame + ETHERNET_SIZE), size);
  return IPV6 && (kind & VERSION6_MASK) == TYPE_VERSION6 && size >= ETHERNET_SIZE + Ipv6.SIZE + TcpHeader.SIZE &&
    takeExpected6(changetype<Ipv6>(frame + ETHERNET_SIZE), size);
}

function takeExpected4(ip: Ipv4, size: u32): bool {
  const tcp = changetype<TcpHeader>(changetype<usize>(ip) + Ipv4.SIZE), total = ip.totalSize, dst = ip.dst;
  // DF may be set. A segment with an ECN mark goes the long way.
  if (ip.protocol != PROTO_TCP || total > size - ETHERNET_SIZE || total < Ipv4.SIZE + TcpHeader.SIZE ||
      (ip.fragmentRaw & ~IP_DF_RAW) != 0 || dst != config.ip || (ip.tos & 3) != 0 ||
      (tcp.flags & ~PSH) != ACK) return false;
  const src = ip.src;
  // What we send to ourselves comes by the loop, and that does not lead here: on
  // the wire it is forged (RFC 1122 §3.2.1.3).
  return !isOwn(src) && ip.checksumOk &&
    takeExpected(src, dst, tcp, total - Ipv4.SIZE, sumPseudo(src, dst, PROTO_TCP, total - Ipv4.SIZE), size);
}

function takeExpected6(ip: Ipv6, size: u32): bool {
  const tcp = changetype<TcpHeader>(changetype<usize>(ip) + Ipv6.SIZE), payload = ip.payloadSize;
  // As the long way does with each packet.
  namesSettle();
  if (!interface6.up || ip.next != PROTO_TCP || payload > size - ETHERNET_SIZE - Ipv6.SIZE ||
      payload < TcpHeader.SIZE || ip.isMarked || (tcp.flags & ~PSH) != ACK ||
      !pairFind(ip)) return false;
  return takeExpected(pair.src, pair.dst, tcp, payload, pair.sum + sumPseudo(0, 0, PROTO_TCP, payload), size);
}

/**
 * A segment of `size` bytes in a frame of `frameSize`, whose flags are ACK, or ACK and PSH. `sum`: its pseudo-header's.
 */
function takeExpected(src: Address, dst: Address, tcp: TcpHeader, size: u32, sum: u64, frameSize: u32): bool {
  const header = tcp.headerSize;
  if (size < header) return false;
  const owner = demuxFind(dst, src, (tcp.srcPort << 16) | tcp.dstPort);
  if (!isConn(owner)) return false;
  const t = tcbAt(owner);
  if (t.state != <u8>State.ESTABLISHED ||
      tcbHas(t, RECOVERING | Has.ORPHAN | Has.URGENT_OUT | Has.FIN_EARLY | Has.DSACK)) return false;
  if (t.outOfOrder != 0 || t.ecn != 0 || t.timerKind == <u8>Timer.PERSIST) return false;
  const seq = tcp.seq, ack = tcp.ack, text = size - header;
  if (seq != t.rcvNxt || text > t.rcvAdv - seq || text > config.recvRing - t.rcvSize || seqLt(ack, t.sndUna) ||
      seqLt(t.sndNxt, ack)) return false;
  const stamps = tcbHas(t, Has.TIMESTAMPS), data = changetype<usize>(tcp) + header;
  let tsVal: u32 = 0;
  if (stamps) {
    if (header != WITH_TIMESTAMPS || load<u32>(changetype<usize>(tcp), TcpHeader.SIZE) != TIMESTAMPS) return false;
    tsVal = bswap<u32>(load<u32>(changetype<usize>(tcp), TSVAL_AT));
    if (isOldFor(t, tsVal)) return false;
  } else if (header != TcpHeader.SIZE) {
    return false;
  }
  // The sums. Nothing lies in the ring behind RCV.NXT, so text with a bad one leaves no trace there.
  sum = sumBytes(changetype<usize>(tcp), header, sum);
  if (text != 0) sum += ringWriteSum(recvRing(t), config.recvRing, t.rcvHead, t.rcvSize, data, text);
  if (foldSum(sum) != 0) return false;

  count(Mib.ifInFrames);
  countBy(Mib.ifInOctets, frameSize);
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
    segmentRead(src, dst, 0, tcp, size);
    acknowledge(t);
  }
  if (text == 0) return true;
  t.rcvNxt = seq + text;
  t.rcvSize += text;
  ackSoon(t, text);
  tell(t, Event.READABLE);
  return true;
}
