// Pacing: a flight is spread over the round trip in place of leaving in one burst. A segment may leave when the ones
// before it have had their time at a little more than cwnd / SRTT.

import { Policy, config } from "../../config";
import { PACING } from "../../features";
import { clock } from "../../core/clock";
import { seqLt } from "../../core/seq";
import { heapArm } from "../../buffers/heap";
import { Tcb, tcbIndex, workAdd } from "../block/tcb";
import { bbrPace } from "./bbr";
import { bbrOn, hasSender, senderOf } from "../block/sender";

/** What may leave ahead of its time, µs: polls come about once a millisecond. */
const QUANTUM_US: u32 = 1000;

export function paceOn(t: Tcb): bool {
  return PACING && ((config.policy & Policy.PACING) != 0 || bbrOn(t)) && hasSender(t) && t.srtt != 0;
}

/** How long the next segment has to wait, µs; it may leave a little before. */
function paceWait(t: Tcb): i32 {
  return <i32>(senderOf(t).paceAt - <u32>clock.us - QUANTUM_US);
}

/**
 * Whether a segment may leave now. With BBR, where ring or peer allow less than the window, the ACKs are pace enough:
 * what waits here is missing in a ring that is full.
 */
export function paceAllows(t: Tcb): bool {
  return !paceOn(t) || paceWait(t) <= 0 || (bbrOn(t) && min(config.sendRing, t.sndWnd) <= t.cwnd);
}

/** No segment may leave now: the connection comes up when one may. */
export function paceArm(t: Tcb): void {
  heapArm(tcbIndex(t), clock.us + <u64>paceWait(t));
}

/** `size` bytes were sent. */
export function paceSent(t: Tcb, size: u32): void {
  if (!paceOn(t)) return;
  const s = senderOf(t), now = <u32>clock.us;
  if (seqLt(s.paceAt, now)) s.paceAt = now;
  if (bbrOn(t)) {
    s.paceAt += bbrPace(t, size);
    return;
  }
  // 1.2 × cwnd a round trip, 2 × in slow start; no segment waits for more than 1 s.
  const percent: u64 = t.cwnd < t.ssthresh ? 200 : 120;
  s.paceAt += <u32>min<u64>(<u64>size * (t.srtt >> 3) * 100 / (percent * max<u32>(t.cwnd, t.mss)), 1_000_000);
}

/** The connection's timer came up: if it waited for its turn, it has it. */
export function paceDue(t: Tcb): void {
  if (paceOn(t)) workAdd(t);
}
