// From the wire into `seg`: the header of a segment, and its options (RFC 9293 §3.1, §3.2), at any alignment. An
// unknown option is skipped by its length; at a length that cannot be, reading stops and what was read counts.

import { ECN, FAST_OPEN } from "../../features";
import { Address } from "../../address/names";
import {
  OPT_EOL, OPT_FAST_OPEN, OPT_MSS, OPT_NOP, OPT_SACK, OPT_SACK_PERMITTED, OPT_TIMESTAMPS, OPT_WINDOW_SCALE, SYN,
  TcpHeader,
} from "../../wire/tcp";
import { Option, seg } from "./segment";
import { SCALE_MAX } from "./options";

/** Reads a validated header into `seg`. */
export function segmentRead(src: Address, dst: Address, tos: u32, tcp: TcpHeader, size: u32): void {
  const header = tcp.headerSize;
  seg.rip = src;
  seg.lip = dst;
  seg.ports = (tcp.srcPort << 16) | tcp.dstPort;
  seg.seq = tcp.seq;
  seg.ack = tcp.ack;
  seg.wnd = tcp.window;
  seg.up = tcp.urgent;
  seg.flags = tcp.flags;
  if (ECN) seg.ecn = tos & 3;
  seg.data = changetype<usize>(tcp) + header;
  seg.size = size - header;
  // Nothing of the segment before may show: the same memory and the same frame have the same effect.
  seg.options = 0;
  seg.tsVal = 0;
  if (header > TcpHeader.SIZE) parseOptions(changetype<usize>(tcp) + TcpHeader.SIZE, seg.data);
}

function parseOptions(at: usize, end: usize): void {
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
