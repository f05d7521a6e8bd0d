// The retransmission timer (RFC 6298 §5), its thresholds R1 and R2 (RFC 9293 §3.8.3), and which bytes go out again.

import { config } from "../../config";
import { BLACK_HOLES, FAST_OPEN } from "../../features";
import { clock } from "../../core/clock";
import { count, Mib } from "../../core/counters";
import { Err } from "../../core/error";
import { Event } from "../../core/events";
import { Seq, seqLt, seqMin } from "../../core/seq";
import { neighbourDoubt } from "../../arp/neighbours";
import { isOwn, nextHop } from "../../ip/address";
import { Tcb, Has, tcbHas, workAdd, tell, tcbSet } from "../block/tcb";
import { isSynchronized, isOpenedFast } from "../block/state";
import { Timer, armTimer, disarmTimer } from "../block/timers";
import { rtoBackOff, rtoAfterSynLoss, rttStop } from "./rtt";
import { congestionTimeout, congestionInit } from "../congestion/congestion";
import { sackForget, sackHoleEnd, sackSkip } from "./sack";
import { persistArm } from "../close/persist";
import { endConnection } from "../close/end";
import { hasSender, senderEnd } from "../block/sender";
import { sentFirstLost, sentLoseAll } from "./sent";
import { rackTimesOut } from "./rack-recovery";
import { blackHoleSuspected } from "./path-mtu";
import { probeArm } from "./probe";
import { frtoWaits, undoBegin } from "./undo";

/** R1: retransmissions after which the network is asked to look for another way, and the application is told (SHLD-10). */
const R1: u8 = 3;

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

/** The retransmission timer fired. */
export function retransmitDue(t: Tcb): void {
  disarmTimer(t);
  const syn = !isSynchronized(t);
  if (!syn && t.sndUna == t.sndNxt && !tcbHas(t, Has.BLOCKED)) return;
  // R2 (MUST-20, MUST-22): a SYN has its own, of 3 minutes at least (MUST-23).
  const limit = !syn ? t.userTimeoutMs : FAST_OPEN && isOpenedFast(t) ? config.halfOpenMs : config.synTimeoutMs;
  if (clock.us - t.stalledAt >= <u64>limit * 1000) {
    count(syn ? Mib.tcpAttemptFails : Mib.TCPAbortOnTimeout);
    // A soft error that was noted says more than "timed out" (MUST-47).
    endConnection(t, t.softError != 0 ? <Err>t.softError : Err.TIMED_OUT);
    return;
  }
  if (!syn && t.sndWnd == 0) {
    // The peer closed its window over what is in flight: probe it, without giving up (SHLD-17).
    tcbSet(t, Has.PROBE_DUE);
    workAdd(t);
    persistArm(t);
    return;
  }
  if (t.retries < 255) t.retries++;
  count(Mib.TCPTimeouts);
  if (t.retries == R1) {
    if (!isOwn(t.rip)) neighbourDoubt(nextHop(t.rip));
    tell(t, Event.STALLED);
  }
  rtoBackOff(t);
  rttStop(t);
  if (syn) {
    tcbSet(t, Has.SYN_DUE | Has.SYN_RESENT);
    count(Mib.TCPSynRetrans);
  } else {
    if (BLACK_HOLES && t.retries >= R1) blackHoleSuspected(t);
    const first = t.retries == 1;
    if (first) undoBegin(t);
    congestionTimeout(t, t.sndNxt - t.sndUna, first);
    if (hasSender(t) && rackTimesOut(t, first)) lossBegins(t);
    else retransmitAll(t);
    tcbSet(t, Has.RETRANSMIT_ONE);
  }
  workAdd(t);
  // Restarted even if nothing can be sent now (RFC 6298 §5.6).
  armTimer(t, Timer.RETRANSMIT, t.rto);
}

/** Everything in flight counts as lost; it goes out again as the congestion window allows. */
export function retransmitAll(t: Tcb): void {
  if (hasSender(t)) sentLoseAll(t, true);
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

function lossBegins(t: Tcb): void {
  t.flags = (t.flags & ~Has.RECOVERY) | Has.LOSS;
  t.dupAcks = 0;
  t.recover = t.sndNxt;
  t.sndLost = t.sndNxt;
  t.rtxNxt = t.sndUna;
}

/** Whether there is something to retransmit; then it begins at `t.rtxNxt`. */
export function retransmitPending(t: Tcb): bool {
  if (!tcbHas(t, Has.LOSS | Has.RECOVERY)) return false;
  if (hasSender(t)) return !frtoWaits(t) && sentFirstLost(t);
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
