// Selective acknowledgment (RFC 2018), both ways, D-SACK reports (RFC 2883), and what RFC 6675 §4 computes from the scoreboard: which
// bytes are lost and how many are in the pipe.

import { DSACK } from "../../features";
import { count, Mib } from "../../core/counters";
import { Seq, seqLt, seqLe, seqMin, seqMax } from "../../core/seq";
import { rangeAt, rangeNext, rangesAdd, rangesAdded, rangesBytes, rangesClear, rangesHold } from "../../buffers/ranges";
import { Tcb, Has, tcbHas, tcbSet, tcbClear } from "../block/tcb";
import { seg, segHas, Option } from "../segment/segment";
import { putSackHead, putBlock } from "../segment/options";
import { Sends, hasSender, senderOf } from "../block/sender";
import { sentSacked } from "./sent";
import { undoDsack } from "./undo";

/** RFC 6675 §2: DupThresh. */
export const DUP_THRESH: u32 = 3;

/** Takes in the SACK blocks of the segment at hand. Returns whether they told something new. */
export function sackReceive(t: Tcb): bool {
  if (!tcbHas(t, Has.SACK) || !segHas(Option.SACK)) return false;
  let news = false;
  for (let i: u32 = 0; i < seg.sacks; i++) {
    const at = seg.sackAt + (i << 3);
    const start = bswap<u32>(load<u32>(at)), end = bswap<u32>(load<u32>(at, 4));
    // A block that is empty, inverted, beyond SND.NXT or below SND.UNA (a D-SACK, RFC 2883 §4.1) says nothing about what is lost.
    if (!seqLt(start, end) || seqLt(t.sndNxt, end) || seqLt(start, t.sndUna) || seqLe(end, seg.ack)) {
      if (!seqLt(start, end) || seqLt(t.sndNxt, end)) count(Mib.TCPSACKDiscard);
      else if (i == 0 && hasSender(t)) dsackArrives(t, start, end);
      continue;
    }
    if (hasSender(t)) {
      // A first block that another one encloses is a D-SACK too (RFC 2883 §4.2).
      if (i == 0 && seg.sacks > 1 && isEnclosed(start, end)) dsackArrives(t, start, end);
      else if (sentSacked(t, start, end)) news = true;
      continue;
    }
    if (rangesHold(t.sacked, start, end)) continue;
    t.sacked = rangesAdd(t.sacked, start, end);
    if (rangesAdded()) news = true;
  }
  return news;
}

/** The peer got start…end twice. What lies further back than it can have kept in mind is no news. */
function dsackArrives(t: Tcb, start: Seq, end: Seq): void {
  if (t.sndUna - start > t.maxSndWnd && seqLt(start, t.sndUna)) return;
  const s = senderOf(t);
  s.bits |= <u16>Sends.DSACK_NOW;
  undoDsack(s, end - start);
}

function isEnclosed(start: Seq, end: Seq): bool {
  const from = bswap<u32>(load<u32>(seg.sackAt, 8)), to = bswap<u32>(load<u32>(seg.sackAt, 12));
  return seqLe(from, start) && seqLe(end, to);
}

/** After a time-out the receiver may have reneged: nothing of what it said is believed any more (RFC 2018 §5 and §8). */
export function sackForget(t: Tcb): void {
  t.sacked = rangesClear(t.sacked);
}

/**
 * Up to where bytes count as lost (IsLost, RFC 6675 §4): below DupThresh separate ranges, or below more than (DupThresh − 1) × SMSS
 * bytes, that were selectively acknowledged.
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

/** Notes that start…end arrived twice; the next ACK reports it, once (RFC 2883 §4). */
export function dsackNote(t: Tcb, start: Seq, end: Seq): void {
  if (!DSACK) return;
  if (!tcbHas(t, Has.SACK) || tcbHas(t, Has.DSACK) || !seqLt(start, end)) return;
  tcbSet(t, Has.DSACK);
  t.dsackStart = start;
  t.dsackEnd = end;
  count(seqLt(start, t.rcvNxt) ? Mib.TCPDSACKOldSent : Mib.TCPDSACKOfoSent);
}

/** SACK blocks that an ACK is to carry now, at most 4, or 3 beside timestamps (RFC 2018 §3). */
export function sackBlocks(t: Tcb): u32 {
  if (!tcbHas(t, Has.SACK)) return 0;
  let blocks: u32 = DSACK && tcbHas(t, Has.DSACK) ? 1 : 0;
  for (let i = t.outOfOrder, n: u32 = 0; i != 0 && blocks < 4; i = rangeNext(i, n++)) blocks++;
  return min<u32>(blocks, tcbHas(t, Has.TIMESTAMPS) ? 3 : 4);
}

/**
 * Writes the SACK option with `blocks` blocks: a D-SACK, then the ranges, the most recently changed one first (RFC 2018 §4). Returns
 * where the next option goes.
 */
export function putSack(t: Tcb, at: usize, blocks: u32): usize {
  at = putSackHead(at, blocks);
  if (DSACK && tcbHas(t, Has.DSACK)) {
    at = putBlock(at, t.dsackStart, t.dsackEnd);
    tcbClear(t, Has.DSACK);
    blocks--;
  }
  let below = u32.MAX_VALUE;
  for (; blocks > 0; blocks--) {
    let best: u16 = 0, stamp: u32 = 0;
    for (let i = t.outOfOrder, n: u32 = 0; i != 0; i = rangeNext(i, n++)) {
      const r = rangeAt(i);
      if (r.stamp < below && r.stamp >= stamp) {
        best = i;
        stamp = r.stamp;
      }
    }
    const r = rangeAt(best);
    at = putBlock(at, r.start, r.end);
    below = r.stamp;
  }
  return at;
}
