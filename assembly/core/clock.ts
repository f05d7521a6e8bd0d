// The time that the host passes to `poll`. Nothing here reads a clock.

import { BOARD } from "../features";

/** Microseconds since any fixed moment that the host chose. */
export type Micros = u64;

/** No deadline. */
export const NEVER: u64 = u64.MAX_VALUE;

@unmanaged export class Clock {
  /** The time of the current `poll`, never before the last one's. */
  us: Micros;
  /** The same in milliseconds, modulo 2^32: the timestamp clock of RFC 7323 §4.1 (1 ms a tick). */
  ms: u32;
  /** When `init` ran; the first `poll` sets it. */
  started: u32;
}

export let clock: Clock = changetype<Clock>(0);

export function clockInit(at: usize): void {
  clock = changetype<Clock>(at);
}

/**
 * Moves the clock to `nowUs`. A host clock that steps back, be it below zero, stands still here until it has caught up:
 * what has the highest bit set is below zero, so that no deadline wraps.
 */
export function clockAdvance(nowUs: Micros): void {
  if (<i64>nowUs < <i64>clock.us) return;
  clock.us = nowUs;
  clock.ms = <u32>quotient(nowUs, 1000);
}

/**
 * x / d, d < 2^16. A Cortex-M divides 32 bits in one instruction and 64 in a function of 700
 * bytes, so there it goes by digits of 16 bits.
 */
export function quotient(x: u64, d: u32): u64 {
  if (!BOARD) return x / d;
  const high = <u32>(x >> 32), middle = ((high % d) << 16) | (<u32>x >> 16),
    low = ((middle % d) << 16) | (<u32>x & 0xffff);
  return (<u64>(high / d) << 32) | <u64>((middle / d) << 16) | <u64>(low / d);
}

export function isDue(deadline: Micros): bool {
  return deadline <= clock.us;
}

/** The moment `ms` milliseconds from now. */
export function afterMs(ms: u32): Micros {
  return clock.us + <u64>ms * 1000;
}
