/** IPv6 frames for tests: written from RFC 8200, RFC 4443 and RFC 4861 alone, and apart from the stack's own code. */
import { be, checksum, ethernet, MAC_PEER, MAC_STACK } from "./codec.js";

/** "2001:db8::1" to its 16 bytes. */
export function ip6(text: string): Uint8Array {
  const [head = "", tail] = text.split("::"),
    words = (t: string): number[] => (t === "" ? [] : t.split(":").map((w) => parseInt(w, 16)));
  const front = words(head),
    back = tail === undefined ? [] : words(tail),
    gap = tail === undefined ? 0 : 8 - front.length - back.length;
  return Uint8Array.from([...front, ...Array<number>(gap).fill(0), ...back].flatMap((w) => be(2, w)));
}

export const hex6 = (bytes: Uint8Array): string =>
  Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16)).join(":");

export interface Ip6 {
  src: Uint8Array;
  dst: Uint8Array;
  next?: number;
  hops?: number;
  class?: number;
  srcMac?: number[];
  dstMac?: number[];
  /** Bytes between the header and the payload, as they stand: the first of them is of the kind `next`. */
  headers?: number[];
  /** The payload length, if it is to be wrong. */
  length?: number;
}

/** ff02::1:ffXX:XXXX of an address. */
export function solicited(address: Uint8Array): Uint8Array {
  return Uint8Array.from([...ip6("ff02::1:ff00:0").slice(0, 13), ...address.slice(13)]);
}

export const macOf = (group: Uint8Array): number[] => [0x33, 0x33, ...group.slice(12)];

export function ipv6(ip: Ip6, payload: Uint8Array): Uint8Array {
  const headers = ip.headers ?? [];
  const header = [
    0x60 | ((ip.class ?? 0) >> 4),
    ((ip.class ?? 0) & 15) << 4,
    0,
    0,
    ...be(2, ip.length ?? headers.length + payload.length),
    ip.next ?? 59,
    ip.hops ?? 64,
    ...ip.src,
    ...ip.dst,
  ];
  return ethernet(
    0x86dd,
    Uint8Array.from([...header, ...headers, ...payload]),
    ip.dstMac ?? (ip.dst[0] === 0xff ? macOf(ip.dst) : MAC_STACK),
    ip.srcMac ?? MAC_PEER,
  );
}

function pseudo(src: Uint8Array, dst: Uint8Array, next: number, size: number): Uint8Array {
  return Uint8Array.from([...src, ...dst, ...be(4, size), 0, 0, 0, next]);
}

/** The sum of a payload, whose checksum field is 0 or right. */
export function sum6(ip: { src: Uint8Array; dst: Uint8Array }, next: number, payload: Uint8Array): number {
  return checksum(pseudo(ip.src, ip.dst, next, payload.length), payload);
}

export function icmp6(
  ip: Ip6,
  type: number,
  code: number,
  rest: number,
  data: Uint8Array | number[] = [],
): Uint8Array {
  const bytes = Uint8Array.from([type, code, 0, 0, ...be(4, rest), ...data]);
  bytes.set(be(2, sum6(ip, 58, bytes)), 2);
  return ipv6({ next: 58, ...ip }, bytes);
}

export function udp6(ip: Ip6, sport: number, dport: number, data: Uint8Array, sum?: number): Uint8Array {
  const bytes = Uint8Array.from([...be(2, sport), ...be(2, dport), ...be(2, 8 + data.length), 0, 0, ...data]);
  bytes.set(be(2, sum ?? (sum6(ip, 17, bytes) || 0xffff)), 6);
  return ipv6({ next: 17, ...ip }, bytes);
}

export const ALL_NODES = ip6("ff02::1"),
  ALL_ROUTERS = ip6("ff02::2"),
  NONE6 = ip6("::");

/** Options of neighbour discovery. */
export const nd = {
  source: (mac: number[]) => [1, 1, ...mac],
  target: (mac: number[]) => [2, 1, ...mac],
  mtu: (n: number) => [5, 1, 0, 0, ...be(4, n)],
  /** RFC 8106 §5.1. */
  rdnss: (lifetime: number, ...servers: Uint8Array[]) => [
    25, 1 + 2 * servers.length, 0, 0, ...be(4, lifetime), ...servers.flatMap((s) => [...s]),
  ],
  nonce: (n: number[]) => [14, 1, ...n],
  prefix: (prefix: Uint8Array, { bits = 64, flags = 0xc0, valid = 3600, preferred = 1800 } = {}) => [
    3,
    4,
    bits,
    flags,
    ...be(4, valid),
    ...be(4, preferred),
    0,
    0,
    0,
    0,
    ...prefix,
  ],
};

/** A neighbour's solicitation of `target`. */
export function solicitation(
  src: Uint8Array,
  target: Uint8Array,
  options: number[] = nd.source(MAC_PEER),
  ip: Partial<Ip6> = {},
): Uint8Array {
  return icmp6({ src, dst: solicited(target), hops: 255, ...ip }, 135, 0, 0, [...target, ...options]);
}

/** An advertisement; flags: 4 router, 2 solicited, 1 override. */
export function advertisement(
  src: Uint8Array,
  dst: Uint8Array,
  target: Uint8Array,
  flags = 3,
  options: number[] = nd.target(MAC_PEER),
  ip: Partial<Ip6> = {},
): Uint8Array {
  return icmp6({ src, dst, hops: 255, ...ip }, 136, 0, (flags << 29) >>> 0, [...target, ...options]);
}

export function routerAdvertisement(
  src: Uint8Array,
  options: number[],
  { lifetime = 1800, hops = 64, flags = 0 } = {},
  ip: Partial<Ip6> = {},
): Uint8Array {
  return icmp6({ src, dst: ALL_NODES, hops: 255, ...ip }, 134, 0, ((hops << 24) | (flags << 16) | lifetime) >>> 0, [
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    ...options,
  ]);
}

/** A redirect: packets for `dst` are to go to `target`. */
export function redirect(
  src: Uint8Array, own: Uint8Array, dst: Uint8Array, target: Uint8Array, options: number[] = nd.target(MAC_PEER),
  ip: Partial<Ip6> = {}, code = 0,
): Uint8Array {
  return icmp6({ src, dst: own, hops: 255, ...ip }, 137, code, 0, [...target, ...dst, ...options]);
}

export interface Seen6 {
  src: Uint8Array;
  dst: Uint8Array;
  next: number;
  hops: number;
  class: number;
  dstMac: number[];
  /** What stands before the payload: Hop-by-Hop and Fragment headers, as they are. */
  headers: Uint8Array;
  payload: Uint8Array;
  sumOk: boolean;
  /** Of ICMPv6. */
  type: number;
  code: number;
  rest: number;
  data: Uint8Array;
}

/** An IPv6 frame taken apart; null: it is none. */
export function see6(raw: Uint8Array): Seen6 | null {
  const v = new DataView(raw.buffer, raw.byteOffset, raw.length);
  if (v.getUint16(12) !== 0x86dd) return null;
  const src = raw.slice(22, 38),
    dst = raw.slice(38, 54),
    end = 54 + v.getUint16(18);
  let next = raw[20]!,
    at = 54;
  while (next === 0 || next === 44) {
    const size = next === 44 ? 8 : 8 + 8 * raw[at + 1]!;
    next = raw[at]!;
    at += size;
  }
  const headers = raw.slice(54, at),
    payload = raw.slice(at, end),
    p = new DataView(payload.buffer);
  return {
    src,
    dst,
    next,
    hops: raw[21]!,
    class: (v.getUint16(14) >> 4) & 255,
    dstMac: [...raw.slice(0, 6)],
    headers,
    payload,
    sumOk: sum6({ src, dst }, next, payload) === 0,
    type: payload[0] ?? 0,
    code: payload[1] ?? 0,
    rest: payload.length >= 8 ? p.getUint32(4) : 0,
    data: payload.slice(8),
  };
}
