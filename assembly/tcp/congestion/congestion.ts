// Congestion control, and its seam: what loss recovery calls when something happens. NewReno (RFC 5681) is here; CUBIC
// and HyStart++ take their part where they are on.

import { Policy, config } from "../../config";
import { CUBIC, HYSTART, RACK } from "../../features";
import { Tcb, inLoss } from "../block/tcb";
import { Sender, Sends, bbrOn, hasSender, senderOf, sentPipe } from "../block/sender";
import { bbrLoss, bbrTimeout, bbrUndo } from "./bbr";
import { cubicAcked, cubicBeta, cubicIdle, cubicReduce, cubicTimeout } from "./cubic";
import { hystartAcked } from "./hystart";
import { SSTHRESH_INITIAL } from "./window";

/** On a shorter path, polls come too rarely to see a queue, µs. */
const NOISE_RTT_US: u32 = 5000;

/** Whether the connection has CUBIC. */
function cubicOn(t: Tcb): bool {
  return CUBIC && (config.policy & Policy.CUBIC) != 0 && hasSender(t);
}

/** Whether the connection is in the slow start that HyStart++ is for. */
function hystartOn(t: Tcb): bool {
  return HYSTART && (config.policy & Policy.HYSTART) != 0 && hasSender(t) && t.ssthresh == SSTHRESH_INITIAL;
}

/** `acked` new bytes were acknowledged outside of recovery (RFC 5681 §3.1). */
export function congestionAcked(t: Tcb, acked: u32): void {
  const mss = <u32>t.mss;
  if (t.cwnd < t.ssthresh) {
    // Slow start: cwnd += min (N, SMSS); with byte counting, 2 SMSS outside of a
    // time-out's recovery (RFC 3465 §2.2 and §2.3).
    if (hystartOn(t)) t.cwnd += hystartAcked(t, acked);
    else t.cwnd += min(acked, hasSender(t) && !inLoss(t) ? mss << 1 : mss);
    return;
  }
  if (cubicOn(t)) {
    cubicAcked(t, acked);
    return;
  }
  // Congestion avoidance: one SMSS a window's worth of acknowledged bytes (RFC 3465 §2.1).
  t.cwndAcked += acked;
  if (t.cwndAcked >= t.cwnd) {
    t.cwndAcked -= t.cwnd;
    t.cwnd = min(t.cwnd + mss, u32.MAX_VALUE >> 2);
  }
}

/** RFC 5681 equation (4): ssthresh = max (FlightSize / 2, 2*SMSS). */
function reduce(t: Tcb, flight: u32): void {
  if (isNoise(t)) {
    t.ssthresh = max(t.cwnd, <u32>t.mss << 1);
    return;
  }
  // RFC 9438 §4.6 with CUBIC.
  t.ssthresh = max(cubicOn(t) ? cubicBeta(flight) : flight >> 1, <u32>t.mss << 1);
  t.cwndAcked = 0;
}

/**
 * Whether a loss is taken for noise on the link (Policy.NOISY_LINK): as with TCP Veno, when there is no sign of a
 * queue, which would have made the round trip longer than it can be.
 */
function isNoise(t: Tcb): bool {
  if (!RACK || (config.policy & Policy.NOISY_LINK) == 0 || !hasSender(t)) return false;
  const least = senderOf(t).minRtt;
  return least >= NOISE_RTT_US && t.srtt >> 3 < least + (least >> 4);
}

/** Fast retransmit: a segment was lost while others arrive (RFC 5681 §3.2 step 2, RFC 6675 §5 step 4.2). */
export function congestionLoss(t: Tcb, flight: u32): void {
  if (bbrOn(t)) {
    bbrLoss(t);
    return;
  }
  if (cubicOn(t)) cubicReduce(t);
  reduce(t, flight);
  t.cwnd = t.ssthresh;
}

/** Each duplicate ACK without SACK says that a segment left the network (RFC 5681 §3.2 steps 3 and 4). */
export function congestionInflate(t: Tcb, segments: u32): void {
  t.cwnd += segments * <u32>t.mss;
}

/**
 * A partial acknowledgment without SACK (RFC 6582 §3.2 step 3): deflate by what was acknowledged, add back one SMSS.
 */
export function congestionPartial(t: Tcb, acked: u32): void {
  t.cwnd = t.cwnd > acked ? t.cwnd - acked : 0;
  if (acked >= <u32>t.mss) t.cwnd += t.mss;
  t.cwnd = max(t.cwnd, <u32>t.mss);
}

/** Fast recovery ended (RFC 6582 §3.2 step 3, option 1). */
export function congestionRecovered(t: Tcb, flight: u32): void {
  t.cwnd = min(t.ssthresh, max(flight, <u32>t.mss) + <u32>t.mss);
  t.cwndAcked = 0;
}

/** The retransmission timer fired (RFC 5681 §3.1): `first` unless this segment had timed out before. */
export function congestionTimeout(t: Tcb, flight: u32, first: bool): void {
  if (bbrOn(t)) {
    bbrTimeout(t, first);
    return;
  }
  if (first) {
    if (cubicOn(t)) cubicTimeout(t);
    reduce(t, flight);
  }
  t.cwnd = t.mss;
}

/** F-RTO sends something new in the place of what may not be lost: two segments (RFC 5682 §3.1 step 2b). */
export function congestionFrto(t: Tcb): void {
  t.cwnd = sentPipe(t) + 2 * <u32>t.mss;
}

/** It was a loss (step 3a): the rest is sent again, beside what was sent in the meantime. */
export function congestionFrtoLost(t: Tcb): void {
  t.cwnd = max(t.cwnd, sentPipe(t) + <u32>t.mss);
}

/** Notes the window before a recovery shrinks it. */
export function congestionKeep(t: Tcb, s: Sender): void {
  s.undoCwnd = t.cwnd;
  s.undoSsthresh = t.ssthresh;
}

/** The recovery was for nothing (RFC 4015 §3.2): the window of before it, as far as it is filled. */
export function congestionUndo(t: Tcb, s: Sender): void {
  if (bbrOn(t)) {
    bbrUndo(t);
    return;
  }
  t.ssthresh = max(t.ssthresh, s.undoSsthresh);
  // No burst: what is in flight, and the initial window more, grows back in slow start.
  t.cwnd = max(t.cwnd, min(s.undoCwnd, sentPipe(t) + s.lost + config.initialWindow * <u32>t.mss));
  if (t.cwnd < s.undoCwnd) t.ssthresh = max(t.ssthresh, s.undoCwnd);
  s.bits &= ~<u16>Sends.EPOCH;
}

/**
 * Nothing was sent for `idleUs`, longer than the RTO: restart from the initial window at most (RFC 5681 §4.1); with a
 * Sender, the window is halved for each RTO that went by (RFC 2861 §3).
 */
export function congestionIdle(t: Tcb, idleUs: u64): void {
  // The pace, and no burst, is what BBR begins anew with.
  if (bbrOn(t)) return;
  const restart = min(t.cwnd, config.initialWindow * <u32>t.mss);
  if (!hasSender(t)) {
    t.cwnd = restart;
    return;
  }
  if (t.ssthresh != SSTHRESH_INITIAL) t.ssthresh = max(t.ssthresh, t.cwnd - (t.cwnd >> 2));
  for (let left = idleUs; left >= <u64>t.rto && t.cwnd > restart; left -= t.rto) t.cwnd >>= 1;
  t.cwnd = max(t.cwnd, restart);
  if (cubicOn(t)) cubicIdle(t);
}
