// Segments without text: of owners of a four-tuple that have no TCB, and all SYNs.

import { FAST_OPEN } from "../../features";
import { count, Mib } from "../../core/counters";
import { Ipv4 } from "../../wire/ipv4";
import { RST, TcpHeader } from "../../wire/tcp";
import { ipEnd } from "../../ip/output";
import { offeredMss, offeredScale, synWindow } from "../open/connect";
import { Syn } from "../open/half-open";
import { COOKIE_SIZE, cookieFor } from "../open/fast-open";
import { putFastOpen, putMss, putSackPermitted, putTimestamps, putWindowScale } from "./options";
import { tcpSeal } from "./seal";

/** Sends a segment behind `ip`, with `size` bytes of header, in which the options are there already. */
export function bareSegment(ip: Ipv4, ports: u32, seq: u32, ack: u32, flags: u32, wnd: u32, size: u32): void {
  const tcp = changetype<TcpHeader>(changetype<usize>(ip) + Ipv4.SIZE);
  tcp.srcPort = ports;
  tcp.dstPort = ports >> 16;
  tcp.seq = seq;
  tcp.ack = ack;
  tcp.headerSize = size;
  tcp.flags = flags;
  tcp.window = wnd;
  tcp.urgent = 0;
  tcpSeal(ip, tcp, size);
  count(Mib.tcpOutSegs);
  if ((flags & RST) != 0) count(Mib.tcpOutRsts);
  ipEnd(size);
}

/** Sends a SYN, with `flags` that have one, and the options that `bits` (of `Syn`) names. */
export function synSegment(ip: Ipv4, ports: u32, seq: u32, ack: u32, flags: u32, bits: u32, tsVal: u32, tsEcr: u32): void {
  const tcp = changetype<usize>(ip) + Ipv4.SIZE;
  let at = synOptions(tcp + TcpHeader.SIZE, bits, tsVal, tsEcr);
  if (FAST_OPEN && (bits & Syn.FAST_OPEN) != 0) at = putFastOpen(at, cookieFor(ip.dst, ip.src), COOKIE_SIZE);
  bareSegment(ip, ports, seq, ack, flags, synWindow(), <u32>(at - tcp));
}

/** Writes the options of a SYN that `bits` (of `Syn`) names. Returns where the next one goes. */
export function synOptions(options: usize, bits: u32, tsVal: u32, tsEcr: u32): usize {
  let at = putMss(options, offeredMss());
  if ((bits & Syn.WINDOW_SCALE) != 0) at = putWindowScale(at, offeredScale());
  if ((bits & Syn.SACK) != 0) at = putSackPermitted(at);
  if ((bits & Syn.TIMESTAMPS) != 0) at = putTimestamps(at, tsVal, tsEcr);
  return at;
}
