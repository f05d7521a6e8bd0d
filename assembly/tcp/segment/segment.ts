// The segment at hand: a validated record in host order, with the names of RFC 9293 §3.3.1 (SEG.SEQ, SEG.ACK …).
// There is one; it lives while `tcpInput` runs.

import { Seq } from "../../core/seq";
import { SYN, FIN } from "../../wire/tcp";

/** Bits of `seg.options`. Those of SYNs that `Policy` has come first, in its order. */
export const enum Option { TIMESTAMPS = 1, SACK_PERMITTED = 2, WINDOW_SCALE = 4, MSS = 8, SACK = 16, FAST_OPEN = 32 }

export namespace seg {
  export let rip: u32 = 0;
  export let lip: u32 = 0;
  /** Remote port << 16 | local port. */
  export let ports: u32 = 0;
  export let seq: Seq = 0;
  export let ack: Seq = 0;
  /** As received, not scaled. */
  export let wnd: u32 = 0;
  export let up: u32 = 0;
  /** Address and bytes of the payload, cut to the window as processing goes on. */
  export let data: usize = 0;
  export let size: u32 = 0;
  /** Which options there are: bits of `Option`. */
  export let options: u32 = 0;
  export let tsVal: u32 = 0;
  export let tsEcr: u32 = 0;
  /** Address of the SACK blocks in the segment, 8 bytes each, network order; and their number. */
  export let sackAt: usize = 0;
  export let sacks: u32 = 0;
  /** Address and bytes of a Fast Open cookie in the segment. */
  export let cookieAt: usize = 0;
  export let cookieSize: u32 = 0;
  export let mss: u32 = 0;
  export let flags: u32 = 0;
  export let wscale: u32 = 0;
  /** The IP header's ECN field (RFC 3168 §5). */
  export let ecn: u32 = 0;
}

/** SEG.LEN: what the segment occupies in sequence space, SYN and FIN included. */
export function segLen(): u32 {
  return seg.size + ((seg.flags & SYN) >> 1) + (seg.flags & FIN);
}

export function segIs(flags: u32): bool {
  return (seg.flags & flags) != 0;
}

export function segHas(option: Option): bool {
  return (seg.options & <u32>option) != 0;
}

/** Takes `count` bytes of sequence space off the front: SYN first, then text, then FIN. */
export function segTrimFront(count: u32): void {
  if (count > 0 && segIs(SYN)) {
    seg.flags &= ~SYN;
    seg.seq++;
    count--;
  }
  const text = min(count, seg.size);
  seg.seq += text;
  seg.data += text;
  seg.size -= text;
  if (count > text && segIs(FIN)) {
    seg.flags &= ~FIN;
    seg.seq++;
  }
}

/** Takes off the back what lies beyond `size` bytes of text, the FIN in any case. */
export function segTrimBack(size: u32): void {
  seg.flags &= ~FIN;
  if (seg.size > size) seg.size = size;
}
