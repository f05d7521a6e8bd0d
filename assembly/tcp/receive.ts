// Text into the receive ring, in order or not (RFC 9293 §3.10.7.4, seventh), and a FIN that comes early.

import { config } from "../config";
import { BOARD } from "../features";
import { count, Mib } from "../core/counters";
import { Event } from "../core/events";
import { Seq, seqLt, seqMax, seqMin } from "../core/seq";
import { ringWrite } from "../buffers/ring";
import { rangeAt, rangeNext, rangesAdd, rangesAdded, rangesCut, rangesHold } from "../buffers/ranges";
import { Tcb, Has, tcbHas, recvRing, tell, tcbSet, tcbClear } from "./block/tcb";
import { ackNow, ackSoon } from "./block/acks";
import { rcvWnd } from "./block/receive-window";
import { seg } from "./segment/segment";
import { sendAck } from "./output";
import { dsackNote } from "./loss/sack-report";

/** Whether the segment's text begins at RCV.NXT or behind it, and ends within the ring's free room. */
function hasPlace(t: Tcb): bool {
  const gap = seg.seq - t.rcvNxt, free = config.recvRing - t.rcvSize;
  return gap <= free && seg.size <= free - gap;
}

/**
 * Takes the segment's text, which was cut to the window, into the ring. In order it becomes readable;
 * beyond a gap it waits in its place, noted as a range. Returns false when it had to be dropped: then
 * the FIN behind it does not count either.
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

/**
 * Text that came with a SYN waits until the connection is ESTABLISHED
 * (RFC 9293 §3.10.7.3): kept as if it lay beyond a gap.
 */
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
  // Each of them has an ACK of its own, be they many in one batch: the sender counts them (RFC 5681 §3.2), and some may
  // be lost. A board has room for a frame or two, and batches that are no larger.
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
 * The segment, beyond a gap, has a FIN behind its text: it is kept like the text, as the one sequence number that it
 * takes, so that it need not be sent again. A FIN that contradicts what is known of the stream's end is not.
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
