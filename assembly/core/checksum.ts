// The Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit words.
//
// Words are summed in the machine's byte order (RFC 1071 §2 (B): the sum is byte-order independent), 32 bits at a time
// into 64, so that no carry is lost below 2^32 words; the fold swaps the bytes at the end.

import { BOARD, NATIVE } from "../features";

// @ts-ignore: decorator
@external("native", "sum")
declare function nativeSum(at: usize, size: u32): u64;
// @ts-ignore: decorator
@external("native", "copy_sum")
declare function nativeCopySum(to: usize, from: usize, size: u32): u64;

/**
 * Adds `size` bytes at `at` to a running sum. A part of odd size may only be the last one: its
 * missing byte counts as zero (RFC 1071 §4.1).
 */
export function sumBytes(at: usize, size: u32, sum: u64): u64 {
  if (NATIVE && size >= 64) return sum + nativeSum(at, size);
  const end = at + size;
  if (ASC_FEATURE_SIMD) {
    if (size >= 64) {
      let even = i32x4.splat(0), odd = i32x4.splat(0);
      for (const last = at + (size & ~63); at < last; at += 64) {
        const a = v128.load(at), b = v128.load(at, 16), c = v128.load(at, 32), d = v128.load(at, 48);
        even = i32x4.add(i32x4.add(even, words(a)), words(c));
        odd = i32x4.add(i32x4.add(odd, words(b)), words(d));
      }
      sum += total(i32x4.add(even, odd), size >> 6);
    }
  } else {
    // Compiled for a microcontroller, a turn costs a third of what its eight words do.
    for (; BOARD && at + 64 <= end; at += 64) sum = sumEight(at + 32, sumEight(at, sum));
    for (; at + 32 <= end; at += 32) sum = sumEight(at, sum);
  }
  while (at + 4 <= end) {
    sum += <u64>load<u32>(at);
    at += 4;
  }
  if (at + 2 <= end) {
    sum += <u64>load<u16>(at);
    at += 2;
  }
  if (at < end) sum += <u64>load<u8>(at);
  return sum;
}

// @ts-ignore: decorator
@inline function sumEight(at: usize, sum: u64): u64 {
  sum += <u64>load<u32>(at) + <u64>load<u32>(at, 4);
  sum += <u64>load<u32>(at, 8) + <u64>load<u32>(at, 12);
  sum += <u64>load<u32>(at, 16) + <u64>load<u32>(at, 20);
  return sum + <u64>load<u32>(at, 24) + <u64>load<u32>(at, 28);
}

/** The sums of neighbouring words, each less 2^15 so that they count as signed: there is an instruction for that. */
// @ts-ignore: decorator
@inline function words(v: v128): v128 {
  return i32x4.dot_i16x8_s(v128.xor(v, i16x8.splat(-0x8000)), i16x8.splat(1));
}

/**
 * The sum in four lanes of `words`, over `blocks` times 64 bytes. A frame of 2^16 bytes adds at
 * most 2^12 × 2^16 to each, so none overflows.
 */
function total(lanes: v128, blocks: u32): u64 {
  const sum = <i64>i32x4.extract_lane(lanes, 0) + <i64>i32x4.extract_lane(lanes, 1) +
    <i64>i32x4.extract_lane(lanes, 2) + <i64>i32x4.extract_lane(lanes, 3);
  return <u64>(sum + <i64>blocks * (32 << 15));
}

/** Copies `size` bytes and adds them to a running sum, in one pass; the two do not overlap. As `sumBytes`. */
export function copySum(to: usize, from: usize, size: u32, sum: u64): u64 {
  if (NATIVE && size >= 64) return sum + nativeCopySum(to, from, size);
  const end = from + size;
  if (ASC_FEATURE_SIMD) {
    if (size >= 64) {
      let even = i32x4.splat(0), odd = i32x4.splat(0);
      for (const last = from + (size & ~63); from < last; from += 64) {
        const a = v128.load(from), b = v128.load(from, 16), c = v128.load(from, 32), d = v128.load(from, 48);
        v128.store(to, a);
        v128.store(to, b, 16);
        v128.store(to, c, 32);
        v128.store(to, d, 48);
        even = i32x4.add(i32x4.add(even, words(a)), words(c));
        odd = i32x4.add(i32x4.add(odd, words(b)), words(d));
        to += 64;
      }
      sum += total(i32x4.add(even, odd), size >> 6);
    }
  } else {
    while (from + 32 <= end) {
      const a = load<u64>(from), b = load<u64>(from, 8), c = load<u64>(from, 16), d = load<u64>(from, 24);
      store<u64>(to, a);
      store<u64>(to, b, 8);
      store<u64>(to, c, 16);
      store<u64>(to, d, 24);
      sum += (a & 0xffffffff) + (a >> 32) + (b & 0xffffffff) + (b >> 32);
      sum += (c & 0xffffffff) + (c >> 32) + (d & 0xffffffff) + (d >> 32);
      from += 32;
      to += 32;
    }
  }
  while (from + 4 <= end) {
    const x = load<u32>(from);
    store<u32>(to, x);
    sum += <u64>x;
    from += 4;
    to += 4;
  }
  if (from + 2 <= end) {
    const x = load<u16>(from);
    store<u16>(to, x);
    sum += <u64>x;
    from += 2;
    to += 2;
  }
  if (from < end) {
    const x = load<u8>(from);
    store<u8>(to, x);
    sum += <u64>x;
  }
  return sum;
}

/** The pseudo-header of RFC 9293 §3.1 and RFC 768, as a sum to start from. Addresses and size in host order. */
export function sumPseudo(src: u32, dst: u32, protocol: u32, size: u32): u64 {
  return <u64>bswap<u32>(src) + <u64>bswap<u32>(dst) + <u64>(protocol << 8) + <u64>bswap<u16>(<u16>size);
}

/**
 * Folds a sum to the 16-bit checksum, in memory order: store it with a plain 16-bit store. Over data that
 * already holds its checksum the result is 0.
 */
export function foldSum(sum: u64): u16 {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  let folded = <u32>sum;
  folded = (folded & 0xffff) + (folded >> 16);
  folded = (folded & 0xffff) + (folded >> 16);
  return ~(<u16>folded);
}

/** The checksum after one 16-bit word (memory order) changed from `was` to `now` (RFC 1624 §3, equation 3). */
export function updateSum(checksum: u16, was: u16, now: u16): u16 {
  let sum = <u32>(~checksum) + <u32>(~was) + <u32>now;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return ~(<u16>sum);
}
