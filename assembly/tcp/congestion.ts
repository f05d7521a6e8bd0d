// Congestion control (RFC 5681), and its seam: what loss recovery calls when something happens. Pure over its own fields: cwnd,
// ssthresh, cwndAcked.

import { config } from "../config";
import { Tcb, Has, tcbHas } from "./tcb";

/** Initial window (RFC 6928 §2), or one segment when the SYN was lost (RFC 5681 §3.1). */
export function congestionInit(t: Tcb): void {
  const mss = <u32>t.mss;
  if (tcbHas(t, Has.SYN_RESENT)) t.cwnd = mss;
  else if (config.initialWindow == 10) t.cwnd = min(10 * mss, max<u32>(2 * mss, 14600));
  else t.cwnd = config.initialWindow * mss;
  t.ssthresh = u32.MAX_VALUE >> 2;
  t.cwndAcked = 0;
}

/** `acked` new bytes were acknowledged outside of recovery (RFC 5681 §3.1). */
export function congestionAcked(t: Tcb, acked: u32): void {
  const mss = <u32>t.mss;
  if (t.cwnd < t.ssthresh) {
    // Slow start: cwnd += min (N, SMSS).
    t.cwnd += min(acked, mss);
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
function halve(t: Tcb, flight: u32): void {
  t.ssthresh = max(flight >> 1, <u32>t.mss << 1);
  t.cwndAcked = 0;
}

/** Fast retransmit: a segment was lost while others arrive (RFC 5681 §3.2 step 2, RFC 6675 §5 step 4.2). */
export function congestionLoss(t: Tcb, flight: u32): void {
  halve(t, flight);
  t.cwnd = t.ssthresh;
}

/** Each duplicate ACK without SACK says that a segment left the network (RFC 5681 §3.2 steps 3 and 4). */
export function congestionInflate(t: Tcb, segments: u32): void {
  t.cwnd += segments * <u32>t.mss;
}

/** A partial acknowledgment without SACK (RFC 6582 §3.2 step 3): deflate by what was acknowledged, add back one SMSS. */
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
  if (first) halve(t, flight);
  t.cwnd = t.mss;
}

/** Nothing was sent for longer than the RTO (RFC 5681 §4.1): restart from the initial window at most. */
export function congestionIdle(t: Tcb): void {
  t.cwnd = min(t.cwnd, config.initialWindow * <u32>t.mss);
}
