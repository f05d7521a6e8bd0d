// Header prediction (V. Jacobson; RFC 9293 §3.10.7 leaves the order of work open as long as the result is the same):
// what arrives most, the next text in order or an ACK on an ESTABLISHED connection without anything unusual, is
// recognised by a few compares, and its text is summed while it is copied into the ring. Everything else, and all that
// is wrong, goes on in input.ts.

import { config } from "../config";
import { clock } from "../core/clock";
import { foldSum, sumBytes } from "../core/checksum";
import { sumBetween } from "../address/names";
import { Event } from "../core/events";
import { seqLt, seqLe } from "../core/seq";
import { ringWriteSum } from "../buffers/ring";
import { Ipv4, PROTO_TCP } from "../wire/ipv4";
import { ACK, PSH, TcpHeader } from "../wire/tcp";
import { acknowledge } from "./acknowledge";
import { Has, RECOVERING, Tcb, recvRing, tcbHas, tell } from "./block/tcb";
import { State } from "./block/state";
import { Timer } from "./block/timers";
import { ackSoon } from "./block/acks";
import { isOldFor } from "./block/timestamps";
import { segmentRead } from "./segment/read";

/** NOP, NOP, timestamps, 10 bytes. */
const TIMESTAMPS: u32 = 0x0a080101;
const WITH_TIMESTAMPS: u32 = TcpHeader.SIZE + 12;
/** Where TSval is then: behind NOP, NOP, kind and length. */
const TSVAL_AT: usize = TcpHeader.SIZE + 4;

/**
 * Takes in the segment of `size` bytes, at least a header's, that `ip` brought for `t`, if it is one of those. Returns
 * whether it was; else nothing has happened.
 */
export function takeExpected(t: Tcb, ip: Ipv4, tcp: TcpHeader, size: u32): bool {
  const header = tcp.headerSize;
  // A segment with an ECN mark is not one of them.
  if (size < header || (tcp.flags & ~PSH) != ACK || (ip.tos & 3) != 0) return false;
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
  let sum = sumBytes(changetype<usize>(tcp), header, sumBetween(ip.src, ip.dst, PROTO_TCP, size));
  if (text != 0) sum += ringWriteSum(recvRing(t), config.recvRing, t.rcvHead, t.rcvSize, data, text);
  if (foldSum(sum) != 0) return false;

  t.heardAt = clock.us;
  t.keepSent = 0;
  if (stamps && seqLe(seq, t.lastAckSent)) {
    t.tsRecent = tsVal;
    t.tsRecentAt = clock.ms;
  }
  const wnd = tcp.window;
  if (ack == t.sndNxt && ack == t.sndUna && wnd << t.sndScale == t.sndWnd) {
    // Not backwards: a window that is older than SND.WL1 says is not taken (RFC 9293 §3.10.7.4).
    if (seqLe(t.sndWl1, seq)) {
      t.sndWl1 = seq;
      t.sndWl2 = ack;
    }
  } else {
    segmentRead(ip.src, ip.dst, 0, tcp, size);
    acknowledge(t);
  }
  if (text == 0) return true;
  t.rcvNxt = seq + text;
  t.rcvSize += text;
  ackSoon(t, text);
  tell(t, Event.READABLE);
  return true;
}
