/** Frames of a script over IPv6 (RFC 8200): what stands around a segment, a datagram, or an ICMPv6 message. */
import { checksum, ethernet, header6, icmpMessage, pseudo6 } from "../encode.js";
import { bytesOf, ETHERTYPE, get, ICMP6, IP_AT, IPV6, PROTOCOL, put, SIZE, TCP, typeOf, UDP } from "../headers.js";

/** The four-tuple's addresses, 16 bytes each. */
export interface Six {
  remote: Uint8Array;
  local: Uint8Array;
  router: Uint8Array;
}

type Bytes = readonly number[] | Uint8Array;

/** Where a payload has its sum. */
const SUMS = new Map([[PROTOCOL.tcp, TCP.sum], [PROTOCOL.udp, UDP.sum], [PROTOCOL.icmp6, ICMP6.sum]]);
const SOLICITATION = 135, ADVERTISEMENT = 136;

/** The sum of a payload with its pseudo-header (RFC 8200 §8.1). */
function withSum(src: Bytes, dst: Bytes, next: number, payload: Bytes): Uint8Array {
  const bytes = Uint8Array.from(payload), field = SUMS.get(next)!;
  put(bytes, 0, field, 0);
  const sum = checksum(pseudo6(src, dst, next, bytes.length), bytes);
  put(bytes, 0, field, next === PROTOCOL.udp ? sum || 0xffff : sum);
  return bytes;
}

/** What a frame says before its payload. */
export interface Around {
  srcMac: Bytes;
  dstMac: Bytes;
  src: Bytes;
  dst: Bytes;
  tos?: number;
  hops?: number;
}

/** `payload` has its header, whose sum is written here; `next` says which it is. */
export function frame6({ srcMac, dstMac, src, dst, tos, hops }: Around, next: number, payload: Bytes): Uint8Array {
  const header = header6(src, dst, next, payload.length, tos, hops);
  return ethernet(ETHERTYPE.ipv6, [...header, ...withSum(src, dst, next, payload)], dstMac, srcMac);
}

/** An ICMPv6 message; `rest`: the second word of its header. */
export function icmp6(around: Around, type: number, code: number, rest: number, data: Bytes): Uint8Array {
  return frame6(around, PROTOCOL.icmp6, icmpMessage(type, code, rest, data));
}

/** Whether a frame is a neighbour solicitation (RFC 4861 §4.3) of this address. */
export function solicits(frame: Uint8Array, address: Uint8Array): boolean {
  const at = IP_AT + SIZE.ipv6;
  return frame.length >= at + SIZE.solicitation && typeOf(frame) === ETHERTYPE.ipv6
    && get(frame, IP_AT, IPV6.next) === PROTOCOL.icmp6 && get(frame, at, ICMP6.type) === SOLICITATION
    && bytesOf(frame, at, ICMP6.target).every((b, i) => b === address[i]);
}

/** The router says who it is (RFC 4861 §4.4): a router, solicited, to be believed. */
export function advertisement(mac: Bytes, toMac: Bytes, router: Uint8Array, to: Uint8Array): Uint8Array {
  const around = { srcMac: mac, dstMac: toMac, src: router, dst: to, hops: 255 };
  return icmp6(around, ADVERTISEMENT, 0, 0xe0000000, [...router, 2, 1, ...mac]);
}

/** The router asks for an address of the link (RFC 4861 §4.3), and so tells its own. */
export function solicitation(mac: Bytes, toMac: Bytes, router: Uint8Array, target: Uint8Array): Uint8Array {
  const around = { srcMac: mac, dstMac: toMac, src: router, dst: target, hops: 255 };
  return icmp6(around, SOLICITATION, 0, 0, [...target, 1, 1, ...mac]);
}
