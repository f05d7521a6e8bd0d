// SipHash-2-4: a short keyed hash that whoever does not know the key can neither predict nor steer. It makes initial
// sequence numbers (RFC 6528 §3), SYN cookies, random numbers, and with fewer rounds what tables are found by.

import { SPEED } from "../features";

@unmanaged export class Key {
  k0: u64;
  k1: u64;
}

/** SipHash-2-4 of the 16 bytes a and b (little-endian words). */
export function hash2(key: Key, a: u64, b: u64): u64 {
  return sip(key, a, b, <u64>16 << 56, 3);
}

/**
 * SipHash-2-4 of a four-tuple and two more words, the second below 2^24; 19 bytes. `pair`:
 * what stands for both addresses (`pairOf`).
 */
export function hashFlow2(key: Key, pair: u64, ports: u32, a: u32, b: u32): u64 {
  return sip(key, pair, <u64>ports | (<u64>a << 32), <u64>b | (<u64>19 << 56), 3);
}

/** SipHash-2-4 of a four-tuple: what stands for both addresses, both ports; 12 bytes. */
export function hashFlow(key: Key, pair: u64, ports: u32): u64 {
  return sip(key, pair, <u64>ports | (<u64>12 << 56), 0, 2);
}

/**
 * SipHash-1-3 of a four-tuple, for tables: nobody sees the result, so fewer rounds are
 * enough (and 2-4 where speed does not count).
 */
export function hashTable(key: Key, lip: u32, rip: u32, ports: u32): u32 {
  const m0 = <u64>rip | (<u64>lip << 32);
  if (!SPEED) return <u32>hashFlow(key, m0, ports);
  const m1 = <u64>ports | (<u64>12 << 56);
  let v0 = key.k0 ^ 0x736f6d6570736575;
  let v1 = key.k1 ^ 0x646f72616e646f6d;
  let v2 = key.k0 ^ 0x6c7967656e657261;
  let v3 = key.k1 ^ 0x7465646279746573 ^ m0;
  let m = m0;
  for (let r: u32 = 0; r < 5; r++) {
    v0 += v1; v1 = rotl<u64>(v1, 13); v1 ^= v0; v0 = rotl<u64>(v0, 32);
    v2 += v3; v3 = rotl<u64>(v3, 16); v3 ^= v2;
    v0 += v3; v3 = rotl<u64>(v3, 21); v3 ^= v0;
    v2 += v1; v1 = rotl<u64>(v1, 17); v1 ^= v2; v2 = rotl<u64>(v2, 32);
    if (r > 1) continue;
    v0 ^= m;
    if (r == 0) v3 ^= m1;
    else v2 ^= 0xff;
    m = m1;
  }
  return <u32>(v0 ^ v1 ^ v2 ^ v3);
}

/**
 * The first `words` of m0, m1, m2, the others 0; the caller has put the message's
 * length into the top byte of the last one.
 */
function sip(key: Key, m0: u64, m1: u64, m2: u64, words: u32): u64 {
  let v0 = key.k0 ^ 0x736f6d6570736575;
  let v1 = key.k1 ^ 0x646f72616e646f6d;
  let v2 = key.k0 ^ 0x6c7967656e657261;
  let v3 = key.k1 ^ 0x7465646279746573;
  // Two rounds a word, then four with the words that are 0.
  for (let w: u32 = 0; w < words + 2; w++) {
    v3 ^= m0;
    if (w == words) v2 ^= 0xff;
    if (ASC_SHRINK_LEVEL == 0) {
      // In a build for speed, without a loop.
      v0 += v1; v1 = rotl<u64>(v1, 13); v1 ^= v0; v0 = rotl<u64>(v0, 32);
      v2 += v3; v3 = rotl<u64>(v3, 16); v3 ^= v2;
      v0 += v3; v3 = rotl<u64>(v3, 21); v3 ^= v0;
      v2 += v1; v1 = rotl<u64>(v1, 17); v1 ^= v2; v2 = rotl<u64>(v2, 32);
    }
    for (let r: u32 = ASC_SHRINK_LEVEL == 0 ? 1 : 0; r < 2; r++) {
      v0 += v1; v1 = rotl<u64>(v1, 13); v1 ^= v0; v0 = rotl<u64>(v0, 32);
      v2 += v3; v3 = rotl<u64>(v3, 16); v3 ^= v2;
      v0 += v3; v3 = rotl<u64>(v3, 21); v3 ^= v0;
      v2 += v1; v1 = rotl<u64>(v1, 17); v1 ^= v2; v2 = rotl<u64>(v2, 32);
    }
    v0 ^= m0;
    m0 = m1;
    m1 = m2;
    m2 = 0;
  }
  return v0 ^ v1 ^ v2 ^ v3;
}
