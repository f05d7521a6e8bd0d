// Everything random comes from the 32 bytes of entropy that the host gave to `init`, and from nothing else: the same
// entropy and the same inputs give the same run.

import { IMAGE } from "../features";
import { Key, hash2 } from "./hash";

let state: usize = 0;

/** Keys that a stack draws while it is laid out, and where they lie: they are drawn again on a device. */
const KEYS_MAX: u32 = 8;
const keys: usize = IMAGE ? memory.data(4 * KEYS_MAX, 4) : 0;
let keysDrawn: u32 = 0;
let isNoting: bool = false;

/** Bytes that `randomInit` needs. */
export const RANDOM_SIZE: u32 = 24;

/** Takes the 32 bytes of entropy at `entropy`: its second half, hashed under the first one, is the key. */
export function randomInit(at: usize, entropy: usize): void {
  state = at;
  randomSeed(entropy);
}

function randomSeed(entropy: usize): void {
  const first = changetype<Key>(entropy), x = load<u64>(entropy, 16), y = load<u64>(entropy, 24),
    key = changetype<Key>(state);
  key.k0 = hash2(first, x, y);
  key.k1 = hash2(first, y, ~key.k0);
  store<u64>(state, 0, 16);
}

/** Keys that are drawn from now on are noted. */
export function randomNote(): void {
  isNoting = true;
}

/** Those are all. */
export function randomNoted(): void {
  isNoting = false;
}

/** Draws every key that was noted, in the same order, from other entropy. */
export function randomAgain(entropy: usize): void {
  randomSeed(entropy);
  for (let i: u32 = 0; i < keysDrawn; i++) randomKey(changetype<Key>(<usize>load<u32>(keys + (i << 2))));
}

/** A number that nobody without the key can predict: SipHash of a counter. */
function random64(): u64 {
  const drawn = load<u64>(state, 16);
  store<u64>(state, drawn + 1, 16);
  return hash2(changetype<Key>(state), drawn, 0x72616e646f6d);
}

export function random32(): u32 {
  return <u32>random64();
}

/** A number below `bound` (> 0); the bias is below bound/2^32. */
export function randomBelow(bound: u32): u32 {
  return <u32>((<u64>random32() * <u64>bound) >> 32);
}

/** Fills a key with fresh numbers. */
export function randomKey(key: Key): void {
  key.k0 = random64();
  key.k1 = random64();
  if (!IMAGE || !isNoting) return;
  assert(keysDrawn < KEYS_MAX);
  store<u32>(keys + (keysDrawn++ << 2), <u32>changetype<usize>(key));
}
