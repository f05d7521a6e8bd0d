// The retransmission timer (RFC 6298 §5), and which bytes go out again.

import { clock } from "../../core/clock";
import { Seq, seqLt, seqMin } from "../../core/seq";
import { Tcb, Has, tcbHas } from "../block/tcb";
import { Timer, armTimer, disarmTimer } from "../block/timers";
import { rtoAfterSynLoss } from "./rtt";
import { hasSender, senderEnd } from "../block/sender";
import { sentNextLost, sentLoseAll } from "./sent";
import { probeArm } from "./probe";
import { frtoWaits } from "./undo";
import { sackForget, sackSkip, sackHoleEnd } from "./scoreboard";
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

/** Everything in flight counts as lost; it goes out again as the congestion window allows. */
export function retransmitAll(t: Tcb): void {
  if (hasSender(t)) sentLoseAll(t);
  sackForget(t);
  lossBegins(t);
}

/** No range was left to note what was sent again: all from `seq` on is, without a Sender. */
export function retransmitRest(t: Tcb, seq: Seq): void {
  senderEnd(t);
  // Nobody is left who could tell what is only late (RFC 8985 §6.2).
  if (t.timerKind == <u8>Timer.REORDER) armTimer(t, Timer.RETRANSMIT, t.rto);
  lossBegins(t);
  t.rtxNxt = seq;
}

export function lossBegins(t: Tcb): void {
  t.flags = (t.flags & ~Has.RECOVERY) | Has.LOSS;
  t.dupAcks = 0;
  t.recover = t.sndNxt;
  t.sndLost = t.sndNxt;
  t.rtxNxt = t.sndUna;
}

/** Moves `t.rtxNxt` to what is to be sent again next. Returns whether there is anything. */
export function retransmitNext(t: Tcb): bool {
  if (!tcbHas(t, Has.LOSS | Has.RECOVERY)) return false;
  if (hasSender(t)) return !frtoWaits(t) && sentNextLost(t);
  t.rtxNxt = sackSkip(t, t.rtxNxt);
  return seqLt(t.rtxNxt, t.sndLost);
}

/** Where the segment that begins at `t.rtxNxt` ends, FIN included; at most `size` bytes on. */
export function retransmitEnd(t: Tcb, size: u32): Seq {
  return seqMin(t.rtxNxt + size, sackHoleEnd(t, t.rtxNxt, t.sndLost));
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
