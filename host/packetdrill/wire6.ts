/** Frames of a script over IPv6 (RFC 8200): what stands around a segment, a datagram, or an ICMPv6 message. */
import { be, checksum, PROTOCOL } from "../encode.js";

/** The four-tuple's addresses, 16 bytes each. */
export interface Six {
  remote: Uint8Array;
  local: Uint8Array;
  router: Uint8Array;
}

type Bytes = readonly number[] | Uint8Array;

export const ICMP6 = 58;
const ETHERTYPE6 = [0x86, 0xdd];
/** Where a payload has its sum. */
const SUM_AT: Record<number, number> = { [PROTOCOL.tcp]: 16, [PROTOCOL.udp]: 6, [ICMP6]: 2 };
const SOLICITATION = 135, ADVERTISEMENT = 136;

export function header6(src: Bytes, dst: Bytes, next: number, size: number, tos = 0, hops = 64): number[] {
  return [0x60 | (tos >> 4), (tos & 15) << 4, 0, 0, ...be(2, size), next, hops, ...src, ...dst];
}

/** The sum of a payload with its pseudo-header (RFC 8200 §8.1). */
function withSum(src: Bytes, dst: Bytes, next: number, payload: Bytes): Uint8Array {
  const bytes = Uint8Array.from(payload), at = SUM_AT[next]!;
  bytes.set([0, 0], at);
  const sum = checksum(Uint8Array.from([...src, ...dst, ...be(4, bytes.length), 0, 0, 0, next]), bytes);
  bytes.set(be(2, next === PROTOCOL.udp ? sum || 0xffff : sum), at);
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

export function frame6({ srcMac, dstMac, src, dst, tos, hops }: Around, next: number, payload: Bytes): Uint8Array {
  const header = header6(src, dst, next, payload.length, tos, hops);
  return Uint8Array.from([...dstMac, ...srcMac, ...ETHERTYPE6, ...header, ...withSum(src, dst, next, payload)]);
}

/** Whether a frame is a neighbour solicitation (RFC 4861 §4.3) of this address. */
export function solicits(frame: Uint8Array, address: Uint8Array): boolean {
  return frame.length >= 78 && frame[12] === ETHERTYPE6[0] && frame[13] === ETHERTYPE6[1] && frame[20] === ICMP6 &&
    frame[54] === SOLICITATION && address.every((b, i) => frame[62 + i] === b);
}

/** The router says who it is (RFC 4861 §4.4): a router, solicited, to be believed. */
export function advertisement(mac: Bytes, toMac: Bytes, router: Uint8Array, to: Uint8Array): Uint8Array {
  const body = [ADVERTISEMENT, 0, 0, 0, 0xe0, 0, 0, 0, ...router, 2, 1, ...mac];
  return frame6({ srcMac: mac, dstMac: toMac, src: router, dst: to, hops: 255 }, ICMP6, body);
}

/** The router asks for an address of the link (RFC 4861 §4.3), and so tells its own. */
export function solicitation(mac: Bytes, toMac: Bytes, router: Uint8Array, target: Uint8Array): Uint8Array {
  const body = [SOLICITATION, 0, 0, 0, 0, 0, 0, 0, ...target, 1, 1, ...mac];
  return frame6({ srcMac: mac, dstMac: toMac, src: router, dst: target, hops: 255 }, ICMP6, body);
}
