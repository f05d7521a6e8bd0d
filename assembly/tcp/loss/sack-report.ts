// The receiver's half of SACK: what our ACKs report of what arrived out of order, or twice (RFC 2018 §3, RFC 2883 §4).

import { DSACK } from "../../features";
import { Seq, seqLt } from "../../core/seq";
import { Mib, count } from "../../core/counters";
import { rangeAt, rangeNext } from "../../buffers/ranges";
import { putBlock, putSackHead } from "../segment/options";
import { Has, Tcb, tcbClear, tcbHas, tcbSet } from "../block/tcb";

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
 * Writes the SACK option with `blocks` blocks: a D-SACK, then the ranges, the most recently changed one first
 * (RFC 2018 §4). Returns where the next option goes.
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
