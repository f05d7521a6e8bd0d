// The Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit words.
//
// Words are summed in the machine's byte order (RFC 1071 §2 (B): the sum is byte-order independent), 32 bits at a time into 64, so
// that no carry is lost below 2^32 words; the fold swaps the bytes at the end.

/**
 * Adds `size` bytes at `at` to a running sum. A part of odd size may only be the last one: its missing byte counts as zero
 * (RFC 1071 §4.1).
 */
export function sumBytes(at: usize, size: u32, sum: u64): u64 {
  const end = at + size;
  if (ASC_FEATURE_SIMD) {
    let wide = i32x4.splat(0);
    for (const last = at + (size & ~63); at < last; at += 64) {
      const a = v128.load(at), b = v128.load(at, 16), c = v128.load(at, 32), d = v128.load(at, 48);
      wide = i32x4.add(wide, i32x4.extadd_pairwise_i16x8_u(a));
      wide = i32x4.add(wide, i32x4.extadd_pairwise_i16x8_u(b));
      wide = i32x4.add(wide, i32x4.extadd_pairwise_i16x8_u(c));
      wide = i32x4.add(wide, i32x4.extadd_pairwise_i16x8_u(d));
    }
    // Four 32-bit sums; a frame of 2^16 bytes adds at most 2^12 × 2^17 to each, so none overflows.
    sum += <u64>i32x4.extract_lane(wide, 0) & 0xffffffff;
    sum += <u64>i32x4.extract_lane(wide, 1) & 0xffffffff;
    sum += <u64>i32x4.extract_lane(wide, 2) & 0xffffffff;
    sum += <u64>i32x4.extract_lane(wide, 3) & 0xffffffff;
  } else {
    while (at + 32 <= end) {
      sum += <u64>load<u32>(at) + <u64>load<u32>(at, 4);
      sum += <u64>load<u32>(at, 8) + <u64>load<u32>(at, 12);
      sum += <u64>load<u32>(at, 16) + <u64>load<u32>(at, 20);
      sum += <u64>load<u32>(at, 24) + <u64>load<u32>(at, 28);
      at += 32;
    }
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

/** The pseudo-header of RFC 9293 §3.1 and RFC 768, as a sum to start from. Addresses and size in host order. */
export function sumPseudo(src: u32, dst: u32, protocol: u32, size: u32): u64 {
  return <u64>bswap<u32>(src) + <u64>bswap<u32>(dst) + <u64>(protocol << 8) + <u64>bswap<u16>(<u16>size);
}

/**
 * Folds a sum to the 16-bit checksum, in memory order: store it with a plain 16-bit store. Over data that already holds its
 * checksum the result is 0.
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
