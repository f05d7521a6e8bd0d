// Selective acknowledgment (RFC 2018) of what we sent: the blocks of the
// segment at hand, D-SACKs among them (RFC 2883).

import { RACK } from "../../features";
import { count, Mib } from "../../core/counters";
import { Seq, seqLt, seqLe } from "../../core/seq";
import { Tcb, Has, tcbHas } from "../block/tcb";
import { seg, segHas, Option } from "../segment/segment";
import { recoveryTakeDsack, recoveryTakeSack } from "./recovery";

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
      else if (i == 0) recoveryTakeDsack(t, start, end);
      continue;
    }
    // A first block that another one encloses is a D-SACK too (RFC 2883 §4.2), for whoever makes use of them.
    if (RACK && i == 0 && seg.sacks > 1 && isEnclosed(start, end) && recoveryTakeDsack(t, start, end)) continue;
    if (recoveryTakeSack(t, start, end)) newSack = true;
  }
  return newSack;
}

function isEnclosed(start: Seq, end: Seq): bool {
  const from = bswap<u32>(load<u32>(seg.sackAt, 8)), to = bswap<u32>(load<u32>(seg.sackAt, 12));
  return seqLe(from, start) && seqLe(end, to);
}
