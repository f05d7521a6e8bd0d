// Loss recovery of a connection with a Sender: what an ACK and the timers do, with RACK-TLP (RFC 8985) to say what is
// lost, proportional rate reduction to say how much may be sent, and undo when it was for nothing. plain.ts is the same
// for all others, recovery.ts the seam to both.

import { SPEED } from "../../features";
import { count, Mib } from "../../core/counters";
import { Seq, seqLe } from "../../core/seq";
import { rangeAt } from "../../buffers/ranges";
import { Tcb, Has, tcbHas, workAdd, tcbSet, tcbClear } from "../block/tcb";
import { Timer, armTimer, disarmTimer } from "../block/timers";
import { Sends, bbrOn, senderEnd, senderIdle, senderOf, sends } from "../block/sender";
import { Sent, sentHas, sentNoteAgain, sentLoseAll, sentNew, sentNow } from "./sent";
import { rackDetect, rackDsack, rackRecovered, rackTimeout } from "./rack";
import { pathProbeAcked } from "./path-probe";
import { probeTakeAck, probeDrop, probeForget, probeTimed } from "./probe";
import { bbrAcked, bbrBegins, bbrRestore, bbrSent } from "../congestion/bbr";
import { paceSent } from "../congestion/pacing";
import { prrAck, prrBegin, prrEnd, prrOn, prrSent } from "../congestion/prr";
import { frtoBegin, undoBegin, undoDetects, undoResent } from "./undo";
import { congestionAcked, congestionLoss } from "../congestion/congestion";
import { lossBegins, retransmitArm } from "./retransmit";
import { rttSample, rttStop } from "./rtt";

/** What lies from `start` up to SND.NXT was sent for the first time, `size` bytes of text. */
export function rackSent(t: Tcb, start: Seq, size: u32): void {
  sentNew(t, start, t.sndNxt);
  senderOf(t).bits &= ~<u16>Sends.CWND_LIMITED;
  if (tcbHas(t, Has.RECOVERY)) prrSent(t, size);
  paceSent(t, size);
  if (!bbrOn(t)) return;
  if (start == t.sndUna) bbrBegins(t);
  bbrSent(t);
}

/** start…end was sent again. */
export function rackResent(t: Tcb, start: Seq, end: Seq): void {
  undoResent(t, end - start);
  prrSent(t, end - start);
  paceSent(t, end - start);
  if (sentNoteAgain(t, start, end)) {
    if (bbrOn(t)) bbrSent(t);
    return;
  }
  // No range was left to note it: all from `end` on is sent again, without a Sender. Nobody is left who
  // could tell what is only late (RFC 8985 §6.2).
  senderEnd(t);
  if (t.timerKind == <u8>Timer.REORDER) armTimer(t, Timer.RETRANSMIT, t.rto);
  lossBegins(t);
  t.rtxNxt = end;
}

/** Takes the round-trip time that the ACK at hand told, if it told one. */
export function rackTimes(t: Tcb): void {
  const sample = senderOf(t).sample;
  if (sample == 0) return;
  rttSample(t, sample);
  probeTimed(t);
}

/**
 * The ACK at hand was taken in: it acknowledged `acked` new bytes of `flight`, `delivered` arrived in all, and
 * `newSack` says whether SACK told something.
 */
export function rackAck(t: Tcb, acked: u32, flight: u32, delivered: u32, newSack: bool): void {
  if (acked != 0) pathProbeAcked(t);
  if (SPEED && acked != 0 && isUndisturbed(t)) {
    if (bbrOn(t)) bbrAcked(t, delivered);
    else grow(t, acked, flight);
  } else {
    examine(t, acked, flight, delivered, newSack);
  }
  if (t.sndUna == t.sndNxt) {
    probeDrop(t);
    senderIdle(t);
  }
  workAdd(t);
}

/** Whether nothing is missing, and nothing is being found out. */
function isUndisturbed(t: Tcb): bool {
  const s = senderOf(t);
  return !tcbHas(t, Has.RECOVERY | Has.LOSS) && !sends(s, UNUSUAL) && (s.sacked | s.lost) == 0 &&
    t.timerKind != <u8>Timer.REORDER;
}

/** What the ACK at hand tells of losses: that there was none (undo), that one is repaired, or that there is another. */
function examine(t: Tcb, acked: u32, flight: u32, delivered: u32, newSack: bool): void {
  const s = senderOf(t), advanced = acked != 0;
  rackDsack(t);
  const repaired = probeTakeAck(t, advanced, newSack);
  if (repaired && !tcbHas(t, Has.RECOVERY | Has.LOSS)) congestionLoss(t, flight);
  if (!undoDetects(t, acked) && tcbHas(t, Has.RECOVERY | Has.LOSS) && seqLe(t.recover, t.sndUna)) recovered(t);
  s.bits &= ~<u16>Sends.DSACK_NOW;
  const lost = s.lost;
  detect(t);
  if (bbrOn(t)) {
    bbrAcked(t, delivered);
  } else if (tcbHas(t, Has.RECOVERY)) {
    if (prrOn()) prrAck(t, delivered, advanced && s.lost <= lost);
  } else if (advanced && !repaired) {
    grow(t, acked, flight);
  }
}

/**
 * Nothing is in flight: the ACK at hand can only tell that something came twice,
 * and that a recovery had been for nothing.
 */
export function rackAfter(t: Tcb): void {
  const s = senderOf(t);
  if (!sends(s, Sends.DSACK_NOW)) return;
  rackDsack(t);
  undoDetects(t, 0);
  s.bits &= ~<u16>Sends.DSACK_NOW;
}

/** Something is being found out. */
const UNUSUAL: u32 = Sends.DSACK_ROUND | Sends.DSACK_NOW | Sends.PROBING | Sends.CAN_UNDO | Sends.FRTO |
  Sends.FRTO_WAIT | Sends.UNDO_NOW;

/**
 * `acked` bytes of `flight` were acknowledged, and nothing is missing: the window of congestion
 * grows, if it is what holds the sender back.
 */
function grow(t: Tcb, acked: u32, flight: u32): void {
  const s = senderOf(t);
  // The round ends with what was in flight when its measure was taken.
  if (flight >= s.usedMost || seqLe(s.usedEnd, t.sndUna)) {
    s.usedMost = flight;
    s.usedEnd = t.sndNxt;
  }
  if (isCwndLimited(t)) congestionAcked(t, acked);
}

/**
 * Whether the window of congestion is what holds the sender back; else it does not grow (RFC 7661 §4.2, RFC 5681 §3.1).
 * In slow start it is enough that half of it was in flight at once, within the last round.
 */
function isCwndLimited(t: Tcb): bool {
  const s = senderOf(t);
  return sends(s, Sends.CWND_LIMITED) || (t.cwnd < t.ssthresh && t.cwnd < s.usedMost << 1);
}

/** Finds what is lost, begins to recover from it, and waits for what may only be late. */
function detect(t: Tcb): void {
  const s = senderOf(t);
  const timeout = rackDetect(t);
  if (s.lost != 0 && !tcbHas(t, Has.RECOVERY | Has.LOSS)) enter(t);
  if (timeout != 0) {
    armTimer(t, Timer.REORDER, timeout);
  } else if (t.timerKind == <u8>Timer.REORDER) {
    disarmTimer(t);
    if (t.sndUna != t.sndNxt) retransmitArm(t);
  }
}

function enter(t: Tcb): void {
  count(Mib.TCPFastRetrans);
  count(Mib.TCPSackRecovery);
  undoBegin(t);
  probeForget(t);
  tcbSet(t, Has.RECOVERY | Has.RETRANSMIT_ONE);
  t.recover = t.sndNxt;
  congestionLoss(t, t.sndNxt - t.sndUna);
  prrBegin(t);
  rttStop(t);
  workAdd(t);
}

/** Everything that was in flight when recovery began has arrived. */
function recovered(t: Tcb): void {
  if (bbrOn(t)) bbrRestore(t);
  else if (tcbHas(t, Has.RECOVERY)) prrEnd(t);
  tcbClear(t, Has.LOSS | Has.RECOVERY | Has.RETRANSMIT_ONE);
  rackRecovered(t);
}

/** The reordering timer fired (RFC 8985 §6.2 step 5). */
export function reorderDue(t: Tcb): void {
  detect(t);
  if (t.timerKind == <u8>Timer.NONE && t.sndUna != t.sndNxt) retransmitArm(t);
  workAdd(t);
}

/**
 * The retransmission timer fired, `first`: for the first time in a row. Returns false when there was no range left to
 * note what is first in flight: the connection goes on without a Sender.
 */
export function rackTakeTimeout(t: Tcb, first: bool): bool {
  const s = senderOf(t);
  if (s.first == 0 || rangeAt(s.first).start != t.sndUna) {
    senderEnd(t);
    return false;
  }
  s.timeoutAt = sentNow();
  probeForget(t);
  if (first) frtoBegin(t);
  // What is first must have arrived, if it is to be believed: the receiver has reneged (RFC 2018 §8).
  if (sentHas(rangeAt(s.first), Sent.SACKED)) sentLoseAll(t);
  else rackTimeout(t);
  return true;
}
