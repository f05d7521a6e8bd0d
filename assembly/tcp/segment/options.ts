// TCP options (RFC 9293 §3.2): read from any segment, at any alignment. An unknown option is skipped by its length; at a length that
// cannot be, reading stops and what was read counts.

import { FAST_OPEN } from "../../features";
import { seg } from "./segment";
import { SYN } from "../../wire/tcp";
import {
  OPT_EOL, OPT_NOP, OPT_MSS, OPT_WINDOW_SCALE, OPT_SACK_PERMITTED, OPT_SACK, OPT_TIMESTAMPS, OPT_FAST_OPEN,
} from "../../wire/tcp";

/** Bits of `seg.options`. Those of SYNs that `Policy` has come first, in its order. */
export const enum Option { TIMESTAMPS = 1, SACK_PERMITTED = 2, WINDOW_SCALE = 4, MSS = 8, SACK = 16, FAST_OPEN = 32 }

/** A shift above 14 counts as 14 (RFC 7323 §2.3). */
export const SCALE_MAX: u32 = 14;
/** What a peer that names no MSS can take (RFC 9293 §3.7.1). */
export const MSS_DEFAULT: u32 = 536;

export function parseOptions(at: usize, end: usize): void {
  const syn = (seg.flags & SYN) != 0;
  while (at < end) {
    const kind = load<u8>(at);
    if (kind == OPT_EOL) return;
    if (kind == OPT_NOP) {
      at++;
      continue;
    }
    if (at + 2 > end) return;
    const size = <usize>load<u8>(at, 1);
    if (size < 2 || at + size > end) return;
    switch (kind) {
      case OPT_MSS:
        if (!syn || size != 4) break;
        seg.mss = <u32>bswap<u16>(load<u16>(at, 2));
        seg.options |= Option.MSS;
        break;
      case OPT_WINDOW_SCALE:
        if (!syn || size != 3) break;
        seg.wscale = min<u32>(load<u8>(at, 2), SCALE_MAX);
        seg.options |= Option.WINDOW_SCALE;
        break;
      case OPT_SACK_PERMITTED:
        if (syn && size == 2) seg.options |= Option.SACK_PERMITTED;
        break;
      case OPT_SACK:
        if (syn || size < 10 || ((size - 2) & 7) != 0) break;
        seg.sackAt = at + 2;
        seg.sacks = <u32>(size - 2) >> 3;
        seg.options |= Option.SACK;
        break;
      case OPT_TIMESTAMPS:
        if (size != 10) break;
        seg.tsVal = bswap<u32>(load<u32>(at, 2));
        seg.tsEcr = bswap<u32>(load<u32>(at, 6));
        seg.options |= Option.TIMESTAMPS;
        break;
      case OPT_FAST_OPEN:
        // Empty, or 4 to 16 bytes of cookie, an even number (RFC 7413 §4.1.1).
        if (!FAST_OPEN || !syn || (size != 2 && (size < 6 || size > 18 || (size & 1) != 0))) break;
        seg.cookieAt = at + 2;
        seg.cookieSize = <u32>size - 2;
        seg.options |= Option.FAST_OPEN;
        break;
      default:
        break;
    }
    at += size;
  }
}

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
