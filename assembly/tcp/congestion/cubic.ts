// CUBIC (RFC 9438) in whole numbers: bytes, and milliseconds.

import { clock } from "../../core/clock";
import { Tcb } from "../block/tcb";
import { Sender, Sends, senderOf, sends } from "../block/sender";

/** The times that W_cubic is computed for, ms at most: 0.4 × (100 s)³ segments are more than any window. */
const T_MAX: u32 = 100_000;

/** β_cubic = 0.7 (§4.6). */
export function cubicBeta(bytes: u32): u32 {
  return <u32>((<u64>bytes * 7) / 10);
}

/** A loss, or a mark: remembers W_max, with fast convergence (§4.7). */
export function cubicReduce(t: Tcb): void {
  const s = senderOf(t);
  // Below the last W_max: room is made for newer flows, W_max = cwnd × (1 + β) / 2.
  s.wMax = t.cwnd < s.wMax ? <u32>((<u64>t.cwnd * 17) / 20) : t.cwnd;
  s.cwndPrior = t.cwnd;
  s.bits &= ~<u16>(Sends.EPOCH | Sends.RENO);
}

/** A time-out: the next congestion avoidance starts from its own window (§4.8). */
export function cubicTimeout(t: Tcb): void {
  cubicReduce(t);
  senderOf(t).wMax = 0;
}

/** The connection was idle: time does not count (§5.8). */
export function cubicIdle(t: Tcb): void {
  senderOf(t).bits &= ~<u16>Sends.EPOCH;
}

/** `acked` bytes were acknowledged in congestion avoidance (§4.2 to §4.5). */
export function cubicAcked(t: Tcb, acked: u32): void {
  const s = senderOf(t), mss = <u32>t.mss;
  if (!sends(s, Sends.EPOCH)) begin(t, s);
  const elapsed = min(clock.ms - s.epochAt, T_MAX);
  // §4.3: what Reno would have, α = 3 (1 − β) / (1 + β) = 9/17, and 1 from where the last loss was on.
  const grows = <u32>((<u64>acked * mss) / t.cwnd);
  s.wEst += sends(s, Sends.RENO) ? grows : grows * 9 / 17;
  if (s.wEst >= s.cwndPrior) s.bits |= <u16>Sends.RENO;
  if (wCubic(s, elapsed, mss) < s.wEst) {
    t.cwnd = max(t.cwnd, s.wEst);
    return;
  }
  // §4.4 and §4.5: towards where it is to be one round trip from now, by 1.5 × at most.
  const target = min(wCubic(s, elapsed + (t.srtt >> 3) / 1000, mss), t.cwnd + (t.cwnd >> 1));
  if (target > t.cwnd) t.cwnd += <u32>((<u64>acked * (target - t.cwnd)) / t.cwnd);
}

/** Congestion avoidance begins. */
function begin(t: Tcb, s: Sender): void {
  s.bits |= <u16>Sends.EPOCH;
  s.epochAt = clock.ms;
  s.wEst = t.cwnd;
  if (t.cwnd >= s.wMax) {
    s.wMax = t.cwnd;
    s.k = 0;
  } else {
    // K = ∛((W_max − cwnd) / C), C = 0.4 segments / s³.
    s.k = cubeRoot((<u64>(s.wMax - t.cwnd) * 2_500_000_000) / t.mss);
  }
}

/** W_cubic(t) = C (t − K)³ + W_max, bytes; t in ms. */
function wCubic(s: Sender, t: u32, mss: u32): u32 {
  const before = t < s.k, d = <u64>min(before ? s.k - t : t - s.k, T_MAX);
  const offset = d * d * d / 1_000_000 * mss / 2500;
  if (before) return offset < <u64>s.wMax ? s.wMax - <u32>offset : 0;
  return <u32>min<u64>(<u64>s.wMax + offset, 1 << 30);
}

/** ⌊∛x⌋, for x < 2^63. */
function cubeRoot(x: u64): u32 {
  let root: u64 = 0;
  for (let bit: u64 = 1 << 20; bit != 0; bit >>= 1) {
    const r = root | bit;
    if (r * r * r <= x) root = r;
  }
  return <u32>root;
}
