// The scoreboard of a connection without a Sender: what RFC 6675 §4 computes from the ranges that were selectively
// acknowledged, which bytes are lost and how many are in the pipe. One with a Sender has sent.ts.

import { Seq, seqLt, seqMax, seqMin } from "../../core/seq";
import { rangeAt, rangeNext, rangesAdd, rangesAdded, rangesBytes, rangesClear, rangesHold } from "../../buffers/ranges";
import { Tcb } from "../block/tcb";

/** RFC 6675 §2: DupThresh. */
export const DUP_THRESH: u32 = 3;

/** start…end was selectively acknowledged. Returns whether that is news. */
export function sackMark(t: Tcb, start: Seq, end: Seq): bool {
  if (rangesHold(t.sacked, start, end)) return false;
  t.sacked = rangesAdd(t.sacked, start, end);
  return rangesAdded();
}

/**
 * After a time-out the receiver may have reneged: nothing of what it said is believed any more (RFC 2018 §5 and §8).
 */
export function sackForget(t: Tcb): void {
  t.sacked = rangesClear(t.sacked);
}

/**
 * Up to where bytes count as lost (IsLost, RFC 6675 §4): below DupThresh separate ranges, or below more than (DupThresh
 * − 1) × SMSS bytes, that were selectively acknowledged.
 */
export function sackLostEdge(t: Tcb): Seq {
  let bytes = rangesBytes(t.sacked), ranges: u32 = 0;
  for (let i = t.sacked, n: u32 = 0; i != 0; i = rangeNext(i, n++)) ranges++;
  let edge = t.sndUna;
  for (let i = t.sacked, n: u32 = 0; i != 0; i = rangeNext(i, n++)) {
    if (ranges < DUP_THRESH && bytes <= (DUP_THRESH - 1) * <u32>t.mss) break;
    const r = rangeAt(i);
    edge = r.start;
    bytes -= r.end - r.start;
    ranges--;
  }
  return edge;
}

/** Bytes that are in the network, as far as one can tell (SetPipe, RFC 6675 §4), while recovering. */
export function sackPipe(t: Tcb): u32 {
  let pipe: u32 = 0;
  let from = t.sndUna;
  for (let i = t.sacked, n: u32 = 0; ; i = rangeNext(i, n++)) {
    const to = i == 0 ? t.sndNxt : rangeAt(i).start;
    pipe += holePipe(t, from, to);
    if (i == 0) break;
    from = rangeAt(i).end;
  }
  return pipe;
}

/** Of a hole: what was not lost, and what was lost but retransmitted. */
function holePipe(t: Tcb, from: Seq, to: Seq): u32 {
  let pipe: u32 = 0;
  if (seqLt(from, t.rtxNxt)) pipe += seqMin(to, seqMin(t.rtxNxt, seqMax(t.sndLost, from))) - from;
  if (seqLt(t.sndLost, to)) pipe += to - seqMax(from, t.sndLost);
  return pipe;
}

/** The first byte from `seq` on that was not selectively acknowledged. */
export function sackSkip(t: Tcb, seq: Seq): Seq {
  for (let i = t.sacked, n: u32 = 0; i != 0; i = rangeNext(i, n++)) {
    const r = rangeAt(i);
    if (seqLt(seq, r.start)) break;
    if (seqLt(seq, r.end)) seq = r.end;
  }
  return seq;
}

/** Where the hole that begins at `seq` ends: at the next selectively acknowledged byte, or at `end`. */
export function sackHoleEnd(t: Tcb, seq: Seq, end: Seq): Seq {
  for (let i = t.sacked, n: u32 = 0; i != 0; i = rangeNext(i, n++)) {
    const r = rangeAt(i);
    if (seqLt(seq, r.start)) return seqMin(r.start, end);
  }
  return end;
}
