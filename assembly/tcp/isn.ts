// Initial sequence numbers (RFC 6528 §3, RFC 9293 §3.4.1): ISN = M + F(four-tuple, secret), with M a clock of 4 µs ticks and F
// SipHash-2-4. For one four-tuple they grow with time; from outside they tell nothing about those of another.

import { take, layoutCommits } from "../core/layout";
import { Key, hashFlow, hash2 } from "../core/hash";
import { randomKey } from "../core/random";
import { clock } from "../core/clock";
import { Seq } from "../core/seq";

let secret: usize = 0;

export function isnInit(): void {
  const at = take(1, 16);
  if (!layoutCommits()) return;
  secret = at;
  randomKey(changetype<Key>(at));
}

export function isnFor(rip: u32, lip: u32, ports: u32): Seq {
  return <u32>(clock.us >> 2) + <u32>hashFlow(changetype<Key>(secret), rip, lip, ports);
}

/**
 * What to add to the clock for timestamps to one peer: random (RFC 7323 §5.4 and §7.1), yet the same for all connections between two
 * addresses, so that timestamps keep growing from one incarnation to the next (RFC 6191 §2).
 */
export function timestampOffset(rip: u32, lip: u32): u32 {
  return <u32>hash2(changetype<Key>(secret), <u64>rip | (<u64>lip << 32), 0x7473);
}
