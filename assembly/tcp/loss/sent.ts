// The scoreboard of a connection with a Sender: which bytes are in flight since when, which were
// selectively acknowledged, and which count as lost (the per-segment variables of RFC 8985 §5.2).
// Neighbours that were sent at the same time share an entry.
//
// When there is no entry for it, what is sent joins the one before and makes it younger, so that its loss is noticed
// later; or it has none at all, and only the retransmission timer knows of it. When there is none for what was sent
// again, the connection goes on without a Sender.

import { BBR } from "../../features";
import { clock } from "../../core/clock";
import { Seq, seqLe, seqLt, seqMax } from "../../core/seq";
import { Range, rangeAt, rangeNext } from "../../buffers/ranges";
import { Tcb } from "../block/tcb";
import { Sender, bbrOf, senderOf, sentFresh, sentRemove } from "../block/sender";

/** Bits of an entry. */
export const enum Sent {
  /** It was sent more than once. */
  AGAIN = 1,
  SACKED = 2,
  LOST = 4,
}

/** Now, as the list has it. */
export function sentNow(): u32 {
  return <u32>clock.us;
}

/** start…end is sent for the first time. */
export function sentNew(t: Tcb, start: Seq, end: Seq): void {
  const s = senderOf(t);
  const r = rangeAt(s.last);
  const joins = s.last != 0 && r.end == start && r.bits == 0;
  if (joins && r.stamp == sentNow()) {
    r.end = end;
    return;
  }
  const i = sentFresh(s);
  if (i == 0) {
    if (joins) {
      r.end = end;
      r.stamp = sentNow();
    }
    return;
  }
  fill(i, start, end, sentNow(), 0);
  rangeAt(i).next = 0;
  if (s.last != 0) rangeAt(s.last).next = i;
  else s.first = i;
  s.last = i;
}

function fill(i: u16, start: Seq, end: Seq, stamp: u32, bits: u32): void {
  const r = rangeAt(i);
  r.start = start;
  r.end = end;
  r.stamp = stamp;
  r.bits = <u16>bits;
}

/** Splits an entry at `seq`, which lies inside of it; the second half is a new one. Returns whether there was one. */
export function sentSplit(s: Sender, i: u16, seq: Seq): bool {
  const fresh = sentFresh(s);
  if (fresh == 0) return false;
  const r = rangeAt(i);
  fill(fresh, seq, r.end, r.stamp, r.bits);
  rangeAt(fresh).next = r.next;
  r.end = seq;
  r.next = fresh;
  if (s.last == i) s.last = fresh;
  return true;
}

/**
 * Makes one entry of `i` and `prev` before it, if both were selectively acknowledged and touch.
 * Returns the number of what holds `i` now.
 */
export function sentJoin(s: Sender, prev: u16, i: u16): u16 {
  if (prev == 0) return i;
  const r = rangeAt(prev), o = rangeAt(i);
  if (!sentHas(r, Sent.SACKED) || !sentHas(o, Sent.SACKED) || r.end != o.start) return i;
  r.end = o.end;
  r.bits |= o.bits;
  sentRemove(s, prev);
  return prev;
}

export function sentHas(r: Range, bits: u32): bool {
  return (<u32>r.bits & bits) != 0;
}

/** Counts an entry as lost. */
export function sentLose(s: Sender, r: Range): void {
  if (sentHas(r, Sent.LOST | Sent.SACKED)) return;
  r.bits |= <u16>Sent.LOST;
  s.lost += r.end - r.start;
  if (BBR) bbrOf(s).lost += r.end - r.start;
}

/** Everything counts as lost, what was selectively acknowledged too: the receiver may have reneged (RFC 2018 §8). */
export function sentLoseAll(t: Tcb): void {
  const s = senderOf(t);
  for (let i = s.first, n: u32 = 0; i != 0; i = rangeNext(i, n++)) {
    const r = rangeAt(i);
    if (sentHas(r, Sent.SACKED)) {
      r.bits &= ~<u16>Sent.SACKED;
      s.sacked -= r.end - r.start;
    }
    sentLose(s, r);
  }
}

/** Nothing counts as lost. */
export function sentFound(t: Tcb): void {
  const s = senderOf(t);
  for (let i = s.first, n: u32 = 0; i != 0; i = rangeNext(i, n++)) rangeAt(i).bits &= ~<u16>Sent.LOST;
  s.lost = 0;
}

/** Notes the first bytes that count as lost in `t.rtxNxt` and `t.sndLost`. Returns whether there are any. */
export function sentFindLost(t: Tcb): bool {
  const s = senderOf(t);
  if (s.lost == 0) return false;
  for (let i = s.first, n: u32 = 0; i != 0; i = rangeNext(i, n++)) {
    const r = rangeAt(i);
    if (!sentHas(r, Sent.LOST)) continue;
    t.rtxNxt = r.start;
    t.sndLost = r.end;
    return true;
  }
  return false;
}

/**
 * start…end, the beginning of an entry that was lost or the end of the last one (a loss probe), is sent again. Returns
 * false when there was no entry for the rest.
 */
export function sentNoteAgain(t: Tcb, start: Seq, end: Seq): bool {
  const s = senderOf(t);
  let prev: u16 = 0, i = s.first;
  for (let n: u32 = 0; i != 0 && seqLe(rangeAt(i).end, start); i = rangeNext(i, n++)) prev = i;
  if (i == 0) return true;
  if (seqLt(rangeAt(i).start, start)) {
    if (!sentSplit(s, i, start)) return true;
    prev = i;
    i = rangeAt(i).next;
  }
  let r = rangeAt(i);
  if (seqLt(end, r.end) && !sentSplit(s, i, end)) return false;
  if (sentHas(r, Sent.LOST)) s.lost -= r.end - r.start;
  r.bits = <u16>((<u32>r.bits & ~Sent.LOST) | Sent.AGAIN);
  r.stamp = sentNow();
  if (prev == 0) return true;
  const before = rangeAt(prev);
  if (before.bits == r.bits && before.stamp == r.stamp && before.end == r.start) {
    before.end = r.end;
    sentRemove(s, prev);
  }
  return true;
}

/** The start of the last segment in flight: not before `size` bytes from the end, not before its entry. */
export function sentLastStart(t: Tcb, size: u32): Seq {
  const s = senderOf(t), start = seqMax(t.sndNxt - size, t.sndUna);
  return s.last == 0 ? start : seqMax(start, rangeAt(s.last).start);
}
