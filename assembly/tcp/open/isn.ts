// Initial sequence numbers (RFC 6528 §3, RFC 9293 §3.4.1): ISN = M + F(four-tuple, secret), with M
// a clock of 4 µs ticks and F SipHash-2-4. For one four-tuple they grow with time; from outside
// they tell nothing about those of another.

import { take, layoutCommits } from "../../core/layout";
import { Key, hashFlow } from "../../core/hash";
import { randomKey } from "../../core/random";
import { clock } from "../../core/clock";
import { Seq } from "../../core/seq";
import { pairOf } from "../../address/names";

let secret: usize = 0;

export function isnInit(): void {
  secret = take(1, 16);
  if (layoutCommits()) randomKey(changetype<Key>(secret));
}

export function isnFor(lip: u32, rip: u32, ports: u32): Seq {
  return <u32>(clock.us >> 2) + <u32>hashFlow(changetype<Key>(secret), pairOf(lip, rip), ports);
}
