// Selective acknowledgment (RFC 2018) of what we sent: the blocks of the
// segment at hand, D-SACKs among them (RFC 2883).

import { count, Mib } from "../../core/counters";
import { Seq, seqLt, seqLe } from "../../core/seq";
import { rangesAdd, rangesAdded, rangesHold } from "../../buffers/ranges";
import { Tcb, Has, tcbHas } from "../block/tcb";
import { seg, segHas, Option } from "../segment/segment";
import { Sends, hasSender, senderOf } from "../block/sender";
import { undoDsack } from "./undo";
import { sentMarkSacked } from "./delivered";

/** Takes in the SACK blocks of the segment at hand. Returns whether they told something new. */
export function sackReceive(t: Tcb): bool {
  if (!tcbHas(t, Has.SACK) || !segHas(Option.SACK)) return false;
  let newSack = false;
  for (let i: u32 = 0; i < seg.sacks; i++) {
    const at = seg.sackAt + (i << 3);
    const start = bswap<u32>(load<u32>(at)), end = bswap<u32>(load<u32>(at, 4));
    // A block that is empty, inverted, beyond SND.NXT or below SND.UNA (a D-SACK,
    // RFC 2883 §4.1) says nothing about what is lost.
    if (!seqLt(start, end) || seqLt(t.sndNxt, end) || seqLt(start, t.sndUna) || seqLe(end, seg.ack)) {
      if (!seqLt(start, end) || seqLt(t.sndNxt, end)) count(Mib.TCPSACKDiscard);
      else if (i == 0 && hasSender(t)) dsackArrives(t, start, end);
      continue;
    }
    if (hasSender(t)) {
      // A first block that another one encloses is a D-SACK too (RFC 2883 §4.2).
      if (i == 0 && seg.sacks > 1 && isEnclosed(start, end)) dsackArrives(t, start, end);
      else if (sentMarkSacked(t, start, end)) newSack = true;
      continue;
    }
    if (rangesHold(t.sacked, start, end)) continue;
    t.sacked = rangesAdd(t.sacked, start, end);
    if (rangesAdded()) newSack = true;
  }
  return newSack;
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
