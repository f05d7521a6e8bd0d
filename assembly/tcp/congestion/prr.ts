// Proportional rate reduction (RFC 6937, with the changes of its successor, RFC 9937): in fast recovery the window
// shrinks to ssthresh by sending in proportion to what arrives, neither stopping for half a round trip nor in a burst.

import { Policy, config } from "../../config";
import { PRR } from "../../features";
import { Tcb } from "../block/tcb";
import { senderOf, sentPipe } from "../block/sender";

export function prrOn(): bool {
  return PRR && (config.policy & Policy.PRR) != 0;
}

/** Fast recovery begins. `delivered`: bytes that the ACK which began it said had arrived. */
export function prrBegin(t: Tcb): void {
  const s = senderOf(t);
  s.prrDelivered = 0;
  s.prrOut = 0;
  s.recoverFlight = max<u32>(t.sndNxt - t.sndUna, 1);
}

/**
 * An ACK in fast recovery told of `delivered` bytes that arrived; `safe`: SND.UNA moved, and no further loss was found.
 */
export function prrAck(t: Tcb, delivered: u32, safe: bool): void {
  const s = senderOf(t), inFlight = sentPipe(t), mss = <u32>t.mss;
  if (delivered == 0 && s.prrOut != 0) return;
  s.prrDelivered += delivered;
  let count: u32 = 0;
  if (inFlight > t.ssthresh) {
    const share = <u32>min<u64>((<u64>s.prrDelivered * t.ssthresh + s.recoverFlight - 1) / s.recoverFlight, 1 << 30);
    count = share > s.prrOut ? share - s.prrOut : 0;
  } else {
    count = max(s.prrDelivered > s.prrOut ? s.prrDelivered - s.prrOut : 0, delivered);
    if (safe) count += mss;
    count = min(t.ssthresh - inFlight, count);
  }
  // The first retransmission is not held back.
  if (s.prrOut == 0) count = max(count, mss);
  t.cwnd = max(inFlight + count, mss);
}

/** Fast recovery ends: all that was in flight when it began has arrived. */
export function prrEnd(t: Tcb): void {
  t.cwnd = max(t.ssthresh, <u32>t.mss);
}

/** `size` bytes were sent. */
export function prrSent(t: Tcb, size: u32): void {
  if (PRR) senderOf(t).prrOut += size;
}
