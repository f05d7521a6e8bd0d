// The segment at hand: a validated record in host order, with the names of RFC 9293 §3.3.1 (SEG.SEQ, SEG.ACK …). There is one; it
// lives while `tcpInput` runs.

import { ECN } from "../features";
import { take, layoutCommits } from "../core/layout";
import { Seq } from "../core/seq";
import { Ipv4 } from "../wire/ipv4";
import { TcpHeader, SYN, FIN } from "../wire/tcp";
import { Option, parseOptions } from "./options";

@unmanaged export class Segment {
  rip: u32;
  lip: u32;
  /** Remote port << 16 | local port. */
  ports: u32;
  seq: Seq;
  ack: Seq;
  /** As received, not scaled. */
  wnd: u32;
  up: u32;
  /** Address and bytes of the payload, cut to the window as processing goes on. */
  data: usize;
  size: u32;
  /** Which options there are: bits of `Option`. */
  options: u32;
  tsVal: u32;
  tsEcr: u32;
  /** Address of the SACK blocks in the segment, 8 bytes each, network order; and their number. */
  sackAt: usize;
  sacks: u32;
  mss: u32;
  flags: u32;
  wscale: u8;
  /** The IP header's ECN field (RFC 3168 §5). */
  ecn: u8;
  pad2: u16;
}

export let seg: Segment = changetype<Segment>(0);

export function segmentInit(): void {
  const at = take(1, offsetof<Segment>());
  if (layoutCommits()) seg = changetype<Segment>(at);
}

/** Reads a validated header into `seg`. */
export function segmentRead(ip: Ipv4, tcp: TcpHeader, size: u32): void {
  const header = tcp.headerSize;
  seg.rip = ip.src;
  seg.lip = ip.dst;
  seg.ports = (tcp.srcPort << 16) | tcp.dstPort;
  seg.seq = tcp.seq;
  seg.ack = tcp.ack;
  seg.wnd = tcp.window;
  seg.up = tcp.urgent;
  seg.flags = tcp.flags;
  if (ECN) seg.ecn = <u8>(ip.tos & 3);
  seg.data = changetype<usize>(tcp) + header;
  seg.size = size - header;
  seg.options = 0;
  if (header > TcpHeader.SIZE) parseOptions(seg, changetype<usize>(tcp) + TcpHeader.SIZE, seg.data);
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
