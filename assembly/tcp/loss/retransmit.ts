// The retransmission timer as segments are sent and acknowledged (RFC 6298 §5.1 to §5.3), and what starts over: once a
// connection is open (§5.7), and in a recovery after a time-out (RFC 5681 §3.1). When it fires (§5.4 to §5.6), due.ts
// acts, with `rtoBackOff` of rtt.ts.

import { clock } from "../../core/clock";
import { Tcb, Has, tcbHas } from "../block/tcb";
import { Timer, armTimer, disarmTimer } from "../block/timers";
import { rtoAfterSynLoss } from "./rtt";
import { probeArm } from "./probe";
import { congestionInit } from "../congestion/window";

/** Something that occupies sequence space was sent (RFC 6298 §5.1). */
export function retransmitArm(t: Tcb): void {
  if (t.timerKind == <u8>Timer.RETRANSMIT || t.timerKind == <u8>Timer.REORDER) return;
  if (t.timerKind == <u8>Timer.PROBE && probeArm(t)) return;
  if (t.sndUna + 1 == t.sndNxt || t.timerKind == <u8>Timer.NONE) t.stalledAt = clock.us;
  if (!probeArm(t)) armTimer(t, Timer.RETRANSMIT, t.rto);
}

/** New data was acknowledged (RFC 6298 §5.2 and §5.3). */
export function retransmitAcked(t: Tcb): void {
  t.retries = 0;
  if (t.sndUna == t.sndNxt) disarmTimer(t);
  else if (!probeArm(t)) armTimer(t, Timer.RETRANSMIT, t.rto);
}

/** Recovery after a time-out begins (RFC 5681 §3.1). */
export function lossBegins(t: Tcb): void {
  t.flags = (t.flags & ~Has.RECOVERY) | Has.LOSS;
  t.dupAcks = 0;
  t.recover = t.sndNxt;
  t.sndLost = t.sndNxt;
  t.rtxNxt = t.sndUna;
}

/** The handshake is complete: the timer's state starts over (RFC 6298 §5.7), and so does congestion control. */
export function retransmitEstablished(t: Tcb): void {
  disarmTimer(t);
  t.retries = 0;
  if (tcbHas(t, Has.SYN_RESENT)) rtoAfterSynLoss(t);
  congestionInit(t);
  t.recover = t.iss;
  t.rtxNxt = t.sndLost = t.sndUna;
}
