// The seam of loss recovery: all that the rest of TCP asks and tells. Behind it stand two, and a connection has one of
// them at a time: `rack-recovery.ts` while it has a Sender (block/sender.ts), `plain.ts` while it has none. Only loss/
// begins and ends a recovery (`Has.RECOVERY`, `Has.LOSS`); congestion/ alone writes the window.

import { RACK, TLP } from "../../features";
import { count, Mib } from "../../core/counters";
import { Seq, seqMin } from "../../core/seq";
import { rangesBytes, rangesClear } from "../../buffers/ranges";
import { Tcb, Has, tcbClear, tcbHas, tcbSet } from "../block/tcb";
import { Timer, armTimer } from "../block/timers";
import { Sends, hasSender, senderBegin, senderEnd, senderOf, sentPipe } from "../block/sender";
import { congestionTimeout } from "../congestion/congestion";
import { sentAcked, sentMarkSacked } from "./delivered";
import { pathProbeLater, pathProbeSize } from "./path-probe";
import { limitedTransmit, plainAdvances, plainFindLost, plainPipe, plainRepeats, plainTimes } from "./plain";
import { probeDue } from "./probe";
import { rackTwice } from "./rack";
import { rackAck, rackAfter, rackResent, rackSent, rackTimes, rackTakeTimeout, reorderDue } from "./rack-recovery";
import { lossBegins } from "./retransmit";
import { rttStart } from "./rtt";
import { sackForget, sackHoleEnd, sackMark } from "./plain-scoreboard";
import { sentLoseAll, sentFindLost } from "./sent";
import { frtoWaits, undoBegin } from "./undo";

// Sending

/** Bytes in the network, for comparison with the window of congestion (SetPipe, RFC 6675 §4). */
export function recoveryPipe(t: Tcb): u32 {
  return hasSender(t) ? sentPipe(t) : plainPipe(t);
}

/**
 * How much may be in the network when something new is sent: cwnd, and what limited
 * transmit allows beyond it (RFC 3042 §2).
 */
export function recoveryWindow(t: Tcb): u32 {
  return t.cwnd + limitedTransmit(t);
}

/** The payload of a segment that probes the path, of `have` bytes that wait and may be sent; 0: none is to be sent. */
export function recoveryPathProbe(t: Tcb, have: u32): u32 {
  return hasSender(t) ? pathProbeSize(t, have) : 0;
}

/** The path was found to take less than we thought. */
export function recoveryPathShrinks(t: Tcb): void {
  if (hasSender(t)) pathProbeLater(t);
}

/** Bytes that were selectively acknowledged. */
export function recoverySacked(t: Tcb): u32 {
  return hasSender(t) ? senderOf(t).sacked : rangesBytes(t.sacked);
}

/** Nothing is in flight, and something will be. */
export function recoveryBegins(t: Tcb): void {
  senderBegin(t);
}

/** What lies from `start` up to SND.NXT was sent for the first time, `size` bytes of text. */
export function recoverySent(t: Tcb, start: Seq, size: u32): void {
  if (hasSender(t)) rackSent(t, start, size);
  else rttStart(t, start);
}

/** The window of congestion held back what there was to send. */
export function recoveryHeldBack(t: Tcb): void {
  if (hasSender(t)) senderOf(t).bits |= <u16>Sends.CWND_LIMITED;
}

/** Moves `t.rtxNxt` to what counts as lost and is to be sent again next. Returns whether there is anything. */
export function findLost(t: Tcb): bool {
  if (!tcbHas(t, Has.LOSS | Has.RECOVERY)) return false;
  return hasSender(t) ? !frtoWaits(t) && sentFindLost(t) : plainFindLost(t);
}

/** Where the segment that begins at `t.rtxNxt` ends, FIN included; at most `size` bytes on. */
export function lostEnd(t: Tcb, size: u32): Seq {
  return seqMin(t.rtxNxt + size, sackHoleEnd(t, t.rtxNxt, t.sndLost));
}

/** start…end counted as lost, and was sent again. */
export function lostSent(t: Tcb, start: Seq, end: Seq): void {
  if (tcbHas(t, Has.LOSS)) count(Mib.TCPSlowStartRetrans);
  if (hasSender(t)) rackResent(t, start, end);
}

// Acknowledgments, in the order of `acknowledge`

/**
 * The ACK at hand is about to be taken in. Returns what had been delivered before, which
 * `recoveryAdvances` and `recoveryRepeats` ask for.
 */
export function recoveryAckBegins(t: Tcb): u32 {
  if (!hasSender(t)) return 0;
  const s = senderOf(t);
  s.sample = 0;
  return s.delivered;
}

/** The peer selectively acknowledged start…end. Returns whether that is news. */
export function recoveryTakeSack(t: Tcb, start: Seq, end: Seq): bool {
  return hasSender(t) ? sentMarkSacked(t, start, end) : sackMark(t, start, end);
}

/** The peer got start…end twice (RFC 2883 §4). Returns whether that is of use here. */
export function recoveryTakeDsack(t: Tcb, start: Seq, end: Seq): bool {
  if (!hasSender(t)) return false;
  rackTwice(t, start, end);
  return true;
}

/** SND.UNA has moved by `acked` bytes: how long that took. */
export function recoveryTimes(t: Tcb, acked: u32): void {
  if (hasSender(t)) {
    sentAcked(t, acked);
    rackTimes(t);
  } else {
    plainTimes(t);
  }
}

/**
 * The ACK acknowledged `acked` new bytes of `flight`. `delivered`: what `recoveryAckBegins` returned; `newSack`: SACK
 * told something.
 */
export function recoveryAdvances(t: Tcb, acked: u32, flight: u32, delivered: u32, newSack: bool): void {
  if (hasSender(t)) rackAck(t, acked, flight, senderOf(t).delivered - delivered, newSack);
  else plainAdvances(t, acked);
}

/** The ACK acknowledged nothing new. `wnd`: the peer's window before it. */
export function recoveryRepeats(t: Tcb, flight: u32, delivered: u32, newSack: bool, wnd: u32): void {
  if (!hasSender(t)) {
    plainRepeats(t, newSack, wnd);
  } else if (flight == 0) {
    rackAfter(t);
  } else if (t.timerKind != <u8>Timer.PERSIST) {
    rackTimes(t);
    rackAck(t, 0, flight, senderOf(t).delivered - delivered, newSack);
  }
}

// Timers

/** The connection's timer fired: if it was one of recovery's own, it is dealt with. Returns whether it was. */
export function recoveryTakeTimer(t: Tcb): bool {
  if (RACK && t.timerKind == <u8>Timer.REORDER) {
    reorderDue(t);
    return true;
  }
  if (TLP && t.timerKind == <u8>Timer.PROBE) {
    // The retransmission timer runs from here on; `probeDue` builds upon that.
    armTimer(t, Timer.RETRANSMIT, t.rto);
    probeDue(t);
    return true;
  }
  return false;
}

/** The retransmission timer fired (RFC 5681 §3.1). */
export function recoveryTimeout(t: Tcb): void {
  const first = t.retries == 1;
  if (first && hasSender(t)) undoBegin(t);
  congestionTimeout(t, t.sndNxt - t.sndUna, first);
  if (hasSender(t) && rackTakeTimeout(t, first)) lossBegins(t);
  else loseAll(t);
  tcbSet(t, Has.RETRANSMIT_ONE);
}

/** Everything in flight counts as lost; it goes out again as the congestion window allows. */
export function loseAll(t: Tcb): void {
  if (hasSender(t)) sentLoseAll(t);
  sackForget(t);
  lossBegins(t);
}

// The end

/** What is in flight counts as never sent, a FIN too, and no recovery goes on. */
export function recoveryUnsend(t: Tcb): void {
  t.sndNxt = t.sndUna;
  senderEnd(t);
  tcbClear(t, Has.FIN_SENT | Has.TIMING | Has.LOSS | Has.RECOVERY);
}

/** The connection is over: nothing in flight is of interest any more. */
export function recoveryEnds(t: Tcb): void {
  t.sacked = rangesClear(t.sacked);
  senderEnd(t);
}
