// Token buckets, as the generic cell rate algorithm has them: a bucket is one u32, the µs until which it is spent.

import { clock } from "./clock";

/**
 * Takes a token from the bucket at `at`, which gets `rate` (> 0) of them a
 * second and holds `burst`. False: it is empty.
 */
export function rateTake(at: usize, rate: u32, burst: u32): bool {
  const now = <u32>clock.us, interval: u32 = 1_000_000 / rate, full = interval * burst;
  let ahead: u32 = load<u32>(at) - now;
  // Behind the clock, or so far ahead that it can only be a leftover from before the clock went round: full again.
  if (ahead > full) ahead = 0;
  if (ahead + interval > full) return false;
  store<u32>(at, now + ahead + interval);
  return true;
}
