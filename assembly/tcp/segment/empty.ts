// Segments without text, of owners of a four-tuple that have no TCB, or of nobody.

import { count, Mib } from "../../core/counters";
import { Ipv4, PROTO_TCP } from "../../wire/ipv4";
import { RST, TcpHeader, ACK } from "../../wire/tcp";
import { sumBetween } from "../../address/names";
import { ipEnd, ipBegin, ipSum } from "../../ip/output";
import { fillChecksum } from "./checksum";
import { segIs, seg, segLen } from "./segment";
import { POLICIES, SPEED } from "../../features";
import { config, Policy } from "../../config";

/** Sends a segment behind `ip`, with `size` bytes of header, in which the options are there already. */
export function emptySegment(ip: Ipv4, ports: u32, seq: u32, ack: u32, flags: u32, wnd: u32, size: u32): void {
  const tcp = changetype<TcpHeader>(changetype<usize>(ip) + Ipv4.SIZE);
  tcp.srcPort = ports;
  tcp.dstPort = ports >> 16;
  tcp.seq = seq;
  tcp.ack = ack;
  tcp.headerSize = size;
  tcp.flags = flags;
  tcp.window = wnd;
  tcp.urgent = 0;
  fillChecksum(tcp, size, SPEED ? ipSum(size) : sumBetween(ip.src, ip.dst, PROTO_TCP, size));
  count(Mib.tcpOutSegs);
  if ((flags & RST) != 0) count(Mib.tcpOutRsts);
  ipEnd(size);
}

/**
 * Answers the segment at hand, which belongs to no connection, with a RST (RFC 9293 §3.10.7.1):
 * `<SEQ=SEG.ACK><CTL=RST>`, or `<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>` when it has no ACK. A RST is never answered.
 */
export function resetSegment(): void {
  if (segIs(RST) || (POLICIES && (config.policy & Policy.BLACKHOLE) != 0)) return;
  const ip = ipBegin(seg.lip, seg.rip, PROTO_TCP, config.ttl);
  if (ip == null) return;
  if (segIs(ACK)) emptySegment(ip, seg.ports, seg.ack, 0, RST, 0, TcpHeader.SIZE);
  else emptySegment(ip, seg.ports, 0, seg.seq + segLen(), RST | ACK, 0, TcpHeader.SIZE);
}
