/**
 * Frames as they stand on the wire: Ethernet, ARP, IPv4, ICMP, UDP and TCP, with lengths and checksums. `decode.ts`
 * reads them.
 */

import { ETHERTYPE, ICMP, IPV4, PROTOCOL, put, SIZE, TCP, TCP_FLAG, UDP } from "./headers.js";

type Bytes = readonly number[] | Uint8Array;

export interface Ip {
  src: number;
  dst: number;
  srcMac: Bytes;
  dstMac: Bytes;
  proto?: number;
  ttl?: number;
  tos?: number;
  id?: number;
  /** Flags and offset field; DF if nothing is said. */
  frag?: number;
  ipOpts?: Bytes;
}

export interface Tcp {
  /** Letters: F S R P A (or a dot) U E W. */
  flags: string;
  seq: number;
  ack?: number;
  win?: number;
  up?: number;
  /** Option bytes as they stand, padded by the caller or here with EOL. */
  opts?: Bytes;
  data?: Uint8Array;
  sport?: number;
  dport?: number;
}

export const BROADCAST = [255, 255, 255, 255, 255, 255];

const BITS: Record<string, number> = {
  F: TCP_FLAG.fin, S: TCP_FLAG.syn, R: TCP_FLAG.rst, P: TCP_FLAG.psh, A: TCP_FLAG.ack, ".": TCP_FLAG.ack,
  U: TCP_FLAG.urg, E: TCP_FLAG.ece, W: TCP_FLAG.cwr,
};

/** A number, most significant byte first. */
export function be(size: 1 | 2 | 4, n: number): number[] {
  return Array.from({ length: size }, (_, i) => (n >>> (8 * (size - 1 - i))) & 255);
}

/** The one's complement sum of the bytes from `from` to `to` (RFC 1071), folded; `start`: what goes before. */
export function sum(f: Uint8Array, from = 0, to = f.length, start = 0): number {
  let s = start;
  const even = to - ((to - from) & 1);
  for (let i = from; i < even; i += 2) s += (f[i]! << 8) | f[i + 1]!;
  if (even < to) s += f[even]! << 8;
  while (s > 0xffff) s = (s & 0xffff) + (s >>> 16);
  return s;
}

/** What a checksum field must be. Only the last part may have an odd size. */
export function checksum(...parts: Uint8Array[]): number {
  return parts.reduce((s, part) => sum(part, 0, part.length, s), 0) ^ 0xffff;
}

/** The sum over what UDP and TCP have in common with the IP header. */
export function pseudo(ip: Pick<Ip, "src" | "dst">, proto: number, size: number): Uint8Array {
  return Uint8Array.from([...be(4, ip.src), ...be(4, ip.dst), 0, proto, ...be(2, size)]);
}

/** The same over IPv6 (RFC 8200 §8.1); addresses are 16 bytes. */
export function pseudo6(src: Bytes, dst: Bytes, next: number, size: number): Uint8Array {
  return Uint8Array.from([...src, ...dst, ...be(4, size), 0, 0, 0, next]);
}

/** The 40 bytes of RFC 8200 §3 with flow label 0; `size` is the payload's, in bytes. */
export function header6(src: Bytes, dst: Bytes, next: number, size: number, tos = 0, hops = 64): number[] {
  return [0x60 | (tos >> 4), (tos & 15) << 4, 0, 0, ...be(2, size), next, hops, ...src, ...dst];
}

/** A message of ICMP, or of ICMPv6, whose sum is still to be written; `rest`: its second word. */
export function icmpMessage(type: number, code: number, rest: number, data: Bytes): number[] {
  return [type, code, 0, 0, ...be(4, rest), ...data];
}

function padded(bytes: Bytes = []): number[] {
  const out = [...bytes];
  while (out.length % 4) out.push(0);
  return out;
}

/** A frame without its FCS (RFC 894). */
export function ethernet(type: number, payload: Bytes, dst: Bytes, src: Bytes): Uint8Array {
  return Uint8Array.from([...dst, ...src, ...be(2, type), ...payload]);
}

/** The header before `size` bytes of payload. */
export function ipv4Header(ip: Omit<Ip, "srcMac" | "dstMac">, size: number): Uint8Array {
  const opts = padded(ip.ipOpts);
  const header = Uint8Array.from([
    0x40 | (5 + opts.length / 4), ip.tos ?? 0, ...be(2, SIZE.ipv4 + opts.length + size), ...be(2, ip.id ?? 1),
    ...be(2, ip.frag ?? 0x4000), ip.ttl ?? 64, ip.proto ?? PROTOCOL.tcp, 0, 0, ...be(4, ip.src), ...be(4, ip.dst),
    ...opts,
  ]);
  put(header, 0, IPV4.sum, checksum(header));
  return header;
}

/** A frame with an IPv4 packet, its header's sum included. */
export function ipv4(ip: Ip, payload: Uint8Array): Uint8Array {
  return ethernet(ETHERTYPE.ipv4, [...ipv4Header(ip, payload.length), ...payload], ip.dstMac, ip.srcMac);
}

/** A TCP segment without its IP header. */
export function segment(ip: Pick<Ip, "src" | "dst">, t: Tcp): Uint8Array {
  const opts = padded(t.opts), flags = [...t.flags].reduce((n, c) => n | (BITS[c] ?? 0), 0);
  const bytes = Uint8Array.from([
    ...be(2, t.sport ?? 0), ...be(2, t.dport ?? 0), ...be(4, t.seq), ...be(4, t.ack ?? 0), (5 + opts.length / 4) << 4,
    flags, ...be(2, t.win ?? 65535), 0, 0, ...be(2, t.up ?? 0), ...opts, ...(t.data ?? []),
  ]);
  put(bytes, 0, TCP.sum, checksum(pseudo(ip, PROTOCOL.tcp, bytes.length), bytes));
  return bytes;
}

/** A frame with a TCP segment in an IPv4 packet, both sums included. */
export function tcp(ip: Ip, t: Tcp): Uint8Array {
  return ipv4({ ...ip, proto: PROTOCOL.tcp }, segment(ip, t));
}

/** A datagram of UDP without its IP header; its checksum field is 0. */
export function datagram(sport: number, dport: number, data: Uint8Array): Uint8Array {
  return Uint8Array.from([...be(2, sport), ...be(2, dport), ...be(2, SIZE.udp + data.length), 0, 0, ...data]);
}

/** A datagram; without a sum, its checksum field is 0. */
export function udp(ip: Ip, sport: number, dport: number, data: Uint8Array, { withSum = true } = {}): Uint8Array {
  const bytes = datagram(sport, dport, data);
  // RFC 768: a sum that is 0 is sent as all ones.
  if (withSum) put(bytes, 0, UDP.sum, checksum(pseudo(ip, PROTOCOL.udp, bytes.length), bytes) || 0xffff);
  return ipv4({ ...ip, proto: PROTOCOL.udp }, bytes);
}

/** An ICMP message; `rest`: the second word of its header. */
export function icmp(ip: Ip, type: number, code: number, rest: number, data: Bytes): Uint8Array {
  const bytes = Uint8Array.from(icmpMessage(type, code, rest, data));
  put(bytes, 0, ICMP.sum, checksum(bytes));
  return ipv4({ ...ip, proto: PROTOCOL.icmp }, bytes);
}

interface Station { mac: Bytes; ip: number }

/** An ARP packet; `op`: one of ARP_OP. */
export function arp(op: number, sender: Station, target: Station, dst: Bytes = BROADCAST): Uint8Array {
  const packet = [
    0, 1, 8, 0, 6, 4, ...be(2, op), ...sender.mac, ...be(4, sender.ip), ...target.mac, ...be(4, target.ip),
  ];
  return ethernet(ETHERTYPE.arp, packet, dst, sender.mac);
}

/** TCP's options. */
export const opt = {
  mss: (n: number) => [2, 4, ...be(2, n)],
  ws: (n: number) => [3, 3, n],
  sackOk: () => [4, 2],
  ts: (val: number, ecr: number) => [8, 10, ...be(4, val), ...be(4, ecr)],
  sack: (...blocks: [number, number][]) => [
    5, 2 + 8 * blocks.length, ...blocks.flatMap(([a, b]) => [...be(4, a), ...be(4, b)]),
  ],
  fastOpen: (cookie: number[] | Uint8Array = []) => [34, 2 + cookie.length, ...cookie],
  nop: () => [1],
};
