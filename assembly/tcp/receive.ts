// The receive side: text into the ring, in order or not (RFC 9293 §3.10.7.4, seventh), the window that is advertised (§3.8.6), and when
// an ACK is due (§3.8.6.3, RFC 5681 §4.2).

import { config, Policy } from "../config";
import { BOARD, POLICIES, QUICK_ACKS } from "../features";
import { afterMs } from "../core/clock";
import { count, Mib } from "../core/counters";
import { Event } from "../core/events";
import { Seq, seqLt, seqMax, seqMin } from "../core/seq";
import { ringWrite } from "../buffers/ring";
import { rangeAt, rangeNext, rangesAdd, rangesAdded, rangesCut, rangesHold } from "../buffers/ranges";
import { Tcb, Has, tcbHas, recvRing, workAdd, tell, tcbSet, tcbClear } from "./block/tcb";
import { isSynchronized } from "./block/state";
import { seg } from "./segment/segment";
import { dsackNote } from "./loss/sack";
import { armDelack } from "./block/timers";
import { sendAck } from "./output";

/** RCV.WND as advertised last. */
export function rcvWnd(t: Tcb): u32 {
  return t.rcvAdv - t.rcvNxt;
}

/** The largest window that can be advertised: the ring, as far as the field goes. */
function windowMost(t: Tcb): u32 {
  return min<u32>(config.recvRing, <u32>65535 << t.rcvScale);
}

/**
 * The window to advertise now, in bytes: what the ring has room for, growing only by worthwhile steps (RFC 9293 §3.8.6.2.2), never
 * moving the right edge to the left (SHLD-14).
 */
export function windowFor(t: Tcb): u32 {
  const free = config.recvRing - t.rcvSize, most = windowMost(t);
  const now = rcvWnd(t);
  let wnd = min<u32>(free, most);
  // An edge that moves by less than a segment, or half of the largest window, stays where it is.
  const step = min<u32>(most >> 1, t.mss);
  if (wnd < now + step && (!(POLICIES && (config.policy & Policy.EAGER_WINDOW) != 0) || wnd < max(step, now))) wnd = now;
  // The field counts in units of 2^scale: rounded up while there is room for it, so that the edge does not move left.
  const unit: u32 = 1 << t.rcvScale;
  const up = (wnd + unit - 1) & ~(unit - 1);
  return up <= free && up <= <u32>65535 << t.rcvScale ? up : wnd & ~(unit - 1);
}

/** The window field for a segment that is sent now; notes what it promises. */
export function advertise(t: Tcb): u32 {
  const wnd = windowFor(t);
  t.rcvAdv = seqMax(t.rcvAdv, t.rcvNxt + wnd);
  return wnd >> t.rcvScale;
}

/** The application took bytes: tells the peer when the window can grow by a worthwhile step. */
export function windowUpdate(t: Tcb): void {
  if (!isSynchronized(t) || tcbHas(t, Has.FIN_RECEIVED)) return;
  const grown = windowFor(t) - rcvWnd(t);
  if (<i32>grown <= 0) return;
  // Two segments and a quarter of the largest window, or half of a small one: an update is worth a packet of its own.
  const most = windowMost(t);
  if (rcvWnd(t) == 0 || grown >= min(most >> 1, max(2 * <u32>t.mss, most >> 2))) {
    ackNow(t);
  }
}

/** An ACK is owed at once. */
export function ackNow(t: Tcb): void {
  tcbSet(t, Has.ACK_NOW);
  workAdd(t);
}

/** So many full segments at the beginning of a connection are acknowledged one by one: four round trips of slow start from a window of one. */
const QUICK_SEGMENTS: u32 = 16;

/** An ACK is owed for `size` bytes: at once for every second segment, full (SHLD-19) or not, else after the delay (MUST-40). */
export function ackSoon(t: Tcb, size: u32): void {
  if (++t.unacked >= 2 || config.delayedAckMs == 0 || isQuick(t, size)) {
    ackNow(t);
    return;
  }
  if (tcbHas(t, Has.ACK_LATER)) return;
  tcbSet(t, Has.ACK_LATER);
  armDelack(t, afterMs(config.delayedAckMs));
}

/** The peer is in slow start, as far as we can know it, and has more to send: its window grows with every ACK (RFC 5681 §3.1). */
function isQuick(t: Tcb, size: u32): bool {
  return QUICK_ACKS && size >= <u32>t.mss && (config.policy & Policy.QUICK_ACKS) != 0 && t.rcvNxt - t.irs <= QUICK_SEGMENTS * <u32>t.mss;
}

/** Whether the segment's text begins at RCV.NXT or behind it, and ends within the ring's free room. */
function hasPlace(t: Tcb): bool {
  const gap = seg.seq - t.rcvNxt, free = config.recvRing - t.rcvSize;
  return gap <= free && seg.size <= free - gap;
}

/**
 * Takes the segment's text, which was cut to the window, into the ring. In order it becomes readable; beyond a gap it waits in its
 * place, noted as a range. Returns false when it had to be dropped: then the FIN behind it does not count either.
 */
export function receiveText(t: Tcb): bool {
  const start = seg.seq, end = seg.seq + seg.size;
  if (!hasPlace(t)) return false;
  if (start != t.rcvNxt) return receiveLater(t, start, end);
  // In order. The last bytes may lie in the ring already.
  if (t.outOfOrder != 0 && seqLt(rangeAt(t.outOfOrder).start, end)) {
    dsackNote(t, rangeAt(t.outOfOrder).start, seqMin(end, rangeAt(t.outOfOrder).end));
  }
  ringWrite(recvRing(t), config.recvRing, t.rcvHead, t.rcvSize, seg.data, seg.size);
  const filled = t.outOfOrder != 0;
  advanceTo(t, end);
  if (filled) {
    // RFC 5681 §4.2: an ACK at once for a segment that fills in a gap.
    drain(t);
    ackNow(t);
  } else {
    ackSoon(t, seg.size);
  }
  readable(t);
  return true;
}

/** RCV.NXT moves to `edge`: the bytes before it are the application's. */
function advanceTo(t: Tcb, edge: Seq): void {
  let text = edge - t.rcvNxt;
  // A FIN that came early takes a sequence number, but no place in the ring.
  if (finReached(t, edge)) text--;
  t.rcvNxt = edge;
  t.rcvSize += text;
  // The promise cannot lie behind what was taken.
  t.rcvAdv = seqMax(t.rcvAdv, edge);
}

/** Moves RCV.NXT over what had arrived early. */
function drain(t: Tcb): void {
  t.outOfOrder = rangesCut(t.outOfOrder, t.rcvNxt);
  if (t.outOfOrder != 0 && rangeAt(t.outOfOrder).start == t.rcvNxt) {
    advanceTo(t, rangeAt(t.outOfOrder).end);
    t.outOfOrder = rangesCut(t.outOfOrder, t.rcvNxt);
  }
}

/** Text that came with a SYN waits until the connection is ESTABLISHED (RFC 9293 §3.10.7.3): kept as if it lay beyond a gap. */
export function receiveEarly(t: Tcb): void {
  if (hasPlace(t)) receiveLater(t, seg.seq, seg.seq + seg.size);
  tcbClear(t, Has.ACK_NOW);
}

/** Text that came with a SYN becomes readable once the connection is ESTABLISHED. */
export function drainEarly(t: Tcb): void {
  if (t.outOfOrder == 0) return;
  drain(t);
  if (t.rcvSize != 0) {
    readable(t);
    ackSoon(t, 0);
  }
}

function readable(t: Tcb): void {
  tell(t, Event.READABLE);
}

/** Text beyond a gap (SHLD-31): to its place in the ring. Answered at once (MAY-13, RFC 5681 §4.2). */
function receiveLater(t: Tcb, start: Seq, end: Seq): bool {
  // Each of them has an ACK of its own, be they many in one batch: the sender counts them (RFC 5681 §3.2), and some may be lost. A board
  // has room for a frame or two, and batches that are no larger.
  if (!BOARD && tcbHas(t, Has.ACK_NOW)) sendAck(t);
  ackNow(t);
  if (!tcbHas(t, Has.SACK) && config.rangesMax == 0) return false;
  if (rangesHold(t.outOfOrder, start, end)) {
    dsackNote(t, start, end);
    t.outOfOrder = rangesAdd(t.outOfOrder, start, end);
    return true;
  }
  noteOverlap(t, start, end);
  const head = rangesAdd(t.outOfOrder, start, end);
  if (!rangesAdded()) {
    count(Mib.TCPOFODrop);
    return false;
  }
  t.outOfOrder = head;
  count(Mib.TCPOFOQueue);
  ringWrite(recvRing(t), config.recvRing, t.rcvHead, t.rcvSize + (start - t.rcvNxt), seg.data, seg.size);
  return true;
}

/** The first part of start…end that is there already is a duplicate. */
function noteOverlap(t: Tcb, start: Seq, end: Seq): void {
  for (let i = t.outOfOrder, n: u32 = 0; i != 0; i = rangeNext(i, n++)) {
    const r = rangeAt(i);
    if (seqLt(start, r.end) && seqLt(r.start, end)) {
      dsackNote(t, seqMax(start, r.start), seqMin(end, r.end));
      count(Mib.TCPOFOMerge);
      return;
    }
  }
}

/** Whether the FIN that came early is before `edge`. */
function finReached(t: Tcb, edge: Seq): bool {
  return tcbHas(t, Has.FIN_EARLY) && edge == t.finSeq + 1;
}

/** Whether the FIN that came early is what RCV.NXT has reached. */
export function earlyFinDue(t: Tcb): bool {
  return finReached(t, t.rcvNxt) && !tcbHas(t, Has.FIN_RECEIVED);
}

/**
 * The segment, beyond a gap, has a FIN behind its text: it is kept like the text, as the one sequence number that it takes, so that
 * it need not be sent again. A FIN that contradicts what is known of the stream's end is not.
 */
export function receiveEarlyFin(t: Tcb): void {
  const fin = seg.seq + seg.size;
  if (tcbHas(t, Has.FIN_EARLY) || fin - t.rcvNxt >= rcvWnd(t)) return;
  for (let i = t.outOfOrder, n: u32 = 0; i != 0; i = rangeNext(i, n++)) {
    if (seqLt(fin, rangeAt(i).end)) return;
  }
  const head = rangesAdd(t.outOfOrder, fin, fin + 1);
  if (!rangesAdded()) return;
  t.outOfOrder = head;
  tcbSet(t, Has.FIN_EARLY);
  t.finSeq = fin;
}
