/** IPv4 packets as the gateway reads them, and with other addresses and ports. */
import { checksum, pseudo, sum } from "../../encode.js";
import {
  bytesOf, ETHERNET, ETHERTYPE, get, ICMP_QUOTED, IP_AT, IP_FLAG, IPV4, ipv4Size, PROTOCOL, put, SIZE, TCP, TCP_FLAG,
  tcpSize, typeOf, UDP, type Field,
} from "../../headers.js";

/** What a frame with a sound, whole IPv4 packet holds. */
export interface Packet {
  frame: Uint8Array;
  src: number;
  dst: number;
  protocol: number;
  /** Where the payload begins and ends. */
  at: number;
  end: number;
}

/** The packet in a frame; undefined: it is none, it is broken, or a part of one. */
export function readPacket(frame: Uint8Array): Packet | undefined {
  if (frame.length < IP_AT + SIZE.ipv4 || typeOf(frame) !== ETHERTYPE.ipv4) return undefined;
  const of = (name: keyof typeof IPV4): number => get(frame, IP_AT, IPV4[name]);
  const at = IP_AT + ipv4Size(frame, IP_AT), end = IP_AT + of("total");
  if (of("version") !== 4 || at < IP_AT + SIZE.ipv4 || end < at || end > frame.length) return undefined;
  if ((of("flags") & IP_FLAG.more) !== 0 || of("offset") !== 0) return undefined;
  if (sum(frame, IP_AT, at) !== 0xffff) return undefined;
  return { frame, src: of("src"), dst: of("dst"), protocol: of("protocol"), at, end };
}

/** The station that sent a frame. */
export const sender = (frame: Uint8Array): Uint8Array => bytesOf(frame, 0, ETHERNET.src).slice();

/** What an ICMP error quotes of a packet (RFC 792). */
export const quoted = ({ frame, at, end }: Packet): Uint8Array => frame.slice(IP_AT, Math.min(end, at + ICMP_QUOTED));

export interface Datagram { src: number; sport: number; dst: number; dport: number; data: Uint8Array }

/** The datagram in a packet of UDP; undefined: its sum is wrong, or its length. */
export function readDatagram({ frame, src, dst, at, end }: Packet): Datagram | undefined {
  if (end - at < SIZE.udp) return undefined;
  const of = (name: keyof typeof UDP): number => get(frame, at, UDP[name]), size = of("length");
  if (size < SIZE.udp || at + size > end) return undefined;
  const isSound = of("sum") === 0
    || checksum(pseudo({ src, dst }, PROTOCOL.udp, size), frame.subarray(at, at + size)) === 0;
  if (!isSound) return undefined;
  return { src, sport: of("sport"), dst, dport: of("dport"), data: frame.slice(at + SIZE.udp, at + size) };
}

/** Ports and flags of a TCP segment, and what its receiver acknowledges it with; undefined: it is cut short. */
export function readSegment({ frame, at, end }: Packet):
{ sport: number; dport: number; seq: number; ack: number; flags: number; next: number } | undefined {
  const of = (name: keyof typeof TCP): number => get(frame, at, TCP[name]), header = tcpSize(frame, at);
  if (end - at < SIZE.tcp || header < SIZE.tcp || at + header > end) return undefined;
  const flags = of("flags"), seq = of("seq");
  const size = end - at - header + (flags & TCP_FLAG.syn ? 1 : 0) + (flags & TCP_FLAG.fin ? 1 : 0);
  return { sport: of("sport"), dport: of("dport"), seq, ack: of("ack"), flags, next: (seq + size) >>> 0 };
}

/** Two stations' addresses and ports. */
export interface Ends { src: number; sport: number; dst: number; dport: number }

/**
 * A copy of a TCP segment from and to others. Its sums change as RFC 1624 says, so that a segment that was broken
 * stays so.
 */
export function readdressed({ frame, at }: Packet, to: Ends, dstMac: Uint8Array, srcMac: Uint8Array): Uint8Array {
  const out = frame.slice();
  /** Puts a number, and returns what the sum of its words changes by. */
  const change = (header: number, field: Field, n: number): number => {
    const place = bytesOf(out, header, field), before = ~sum(place) & 0xffff;
    put(out, header, field, n);
    return before + sum(place);
  };
  bytesOf(out, 0, ETHERNET.dst).set(dstMac);
  bytesOf(out, 0, ETHERNET.src).set(srcMac);
  const addresses = change(IP_AT, IPV4.src, to.src) + change(IP_AT, IPV4.dst, to.dst);
  const ports = change(at, TCP.sport, to.sport) + change(at, TCP.dport, to.dport);
  const add = (header: number, field: Field, by: number): void => {
    let s = (~get(out, header, field) & 0xffff) + by;
    while (s > 0xffff) s = (s & 0xffff) + (s >>> 16);
    put(out, header, field, ~s & 0xffff);
  };
  add(IP_AT, IPV4.sum, addresses);
  add(at, TCP.sum, addresses + ports);
  return out;
}
