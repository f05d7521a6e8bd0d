// What an ACK says has arrived, on the scoreboard of a connection with a Sender (RFC 8985 §5.2).

import { Seq, seqLe, seqLt, seqMin } from "../../core/seq";
import { LIST_MAX, Range, rangeAt } from "../../buffers/ranges";
import { Tcb } from "../block/tcb";
import { Sender, senderOf, sentRemove } from "../block/sender";
import { Sent, sentHas, sentJoin, sentSplit } from "./sent";
import { rackDelivered } from "./rack";

/** Everything before SND.UNA arrived: `acked` bytes more than before. */
export function sentAcked(t: Tcb, acked: u32): void {
  const s = senderOf(t);
  s.delivered += acked;
  for (let n: u32 = 0; s.first != 0; n++) {
    const r = rangeAt(s.first);
    if (seqLe(t.sndUna, r.start)) break;
    assert(n < LIST_MAX);
    const end = seqMin(r.end, t.sndUna), size = end - r.start;
    if (sentHas(r, Sent.SACKED)) {
      s.sacked -= size;
      s.delivered -= size;
    } else {
      rackDelivered(t, s, r, end);
      if (sentHas(r, Sent.LOST)) s.lost -= size;
    }
    r.start = end;
    if (r.start == r.end) sentRemove(s, 0);
  }
}

/** start…end was selectively acknowledged. Returns whether that is news. */
export function sentMarkSacked(t: Tcb, start: Seq, end: Seq): bool {
  const s = senderOf(t);
  let newSack = false, prev: u16 = 0, turns: u32 = 0;
  for (let i = s.first; i != 0; turns++) {
    // Each entry once, and twice what is split.
    assert(turns < 2 * LIST_MAX);
    const r = rangeAt(i);
    if (seqLe(end, r.start)) break;
    if (sentHas(r, Sent.SACKED) || seqLe(r.end, start)) {
      prev = i;
      i = r.next;
      continue;
    }
    if (seqLt(r.start, start)) {
      if (!sentSplit(s, i, start)) return newSack;
      prev = i;
      i = r.next;
      continue;
    }
    if (seqLt(end, r.end) && !sentSplit(s, i, end)) return newSack;
    sack(t, s, r);
    newSack = true;
    i = sentJoin(s, prev, i);
    prev = i;
    i = rangeAt(i).next;
  }
  // What follows may have been acknowledged before.
  if (newSack && prev != 0 && rangeAt(prev).next != 0) sentJoin(s, prev, rangeAt(prev).next);
  return newSack;
}

function sack(t: Tcb, s: Sender, r: Range): void {
  const size = r.end - r.start;
  s.sacked += size;
  s.delivered += size;
  if (sentHas(r, Sent.LOST)) s.lost -= size;
  rackDelivered(t, s, r, r.end);
  r.bits = <u16>((<u32>r.bits & ~Sent.LOST) | Sent.SACKED);
}
