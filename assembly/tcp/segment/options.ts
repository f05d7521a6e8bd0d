// TCP options (RFC 9293 §3.2), as they are written.

import {
  OPT_NOP, OPT_MSS, OPT_WINDOW_SCALE, OPT_SACK_PERMITTED, OPT_SACK, OPT_TIMESTAMPS, OPT_FAST_OPEN,
} from "../../wire/tcp";

/** A shift above 14 counts as 14 (RFC 7323 §2.3). */
export const SCALE_MAX: u32 = 14;
/** What a peer that names no MSS can take (RFC 9293 §3.7.1). */
export const MSS_DEFAULT: u32 = 536;

/** Writes the MSS option. Returns where the next one goes. */
export function putMss(at: usize, mss: u32): usize {
  store<u32>(at, bswap<u32>((<u32>OPT_MSS << 24) | (4 << 16) | mss));
  return at + 4;
}

/** Writes NOP and window scale. */
export function putWindowScale(at: usize, shift: u8): usize {
  store<u32>(at, bswap<u32>((<u32>OPT_NOP << 24) | (<u32>OPT_WINDOW_SCALE << 16) | (3 << 8) | <u32>shift));
  return at + 4;
}

/** Writes NOP, NOP, SACK-permitted. */
export function putSackPermitted(at: usize): usize {
  store<u32>(at, bswap<u32>((<u32>OPT_NOP << 24) | (<u32>OPT_NOP << 16) | (<u32>OPT_SACK_PERMITTED << 8) | 2));
  return at + 4;
}

/** Writes NOP, NOP, timestamps (the layout of RFC 7323 Appendix A). */
export function putTimestamps(at: usize, val: u32, ecr: u32): usize {
  store<u32>(at, bswap<u32>((<u32>OPT_NOP << 24) | (<u32>OPT_NOP << 16) | (<u32>OPT_TIMESTAMPS << 8) | 10));
  store<u32>(at, bswap<u32>(val), 4);
  store<u32>(at, bswap<u32>(ecr), 8);
  return at + 12;
}

/** Writes a Fast Open option with a cookie of `size` bytes, 0 for a request, and NOPs up to a multiple of 4 bytes. */
export function putFastOpen(at: usize, cookie: usize, size: u32): usize {
  const end = at + ((size + 5) & ~3);
  store<u32>(end - 4, 0x01010101);
  store<u8>(at, OPT_FAST_OPEN);
  store<u8>(at, <u8>(size + 2), 1);
  memory.copy(at + 2, cookie, size);
  return end;
}

/** Writes NOP, NOP and the head of a SACK option with `blocks` blocks; they follow. */
export function putSackHead(at: usize, blocks: u32): usize {
  store<u32>(at, bswap<u32>((<u32>OPT_NOP << 24) | (<u32>OPT_NOP << 16) | (<u32>OPT_SACK << 8) | (2 + (blocks << 3))));
  return at + 4;
}

export function putBlock(at: usize, start: u32, end: u32): usize {
  store<u32>(at, bswap<u32>(start));
  store<u32>(at, bswap<u32>(end), 4);
  return at + 8;
}
