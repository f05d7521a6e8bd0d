/**
 * Frames for tests: written by host/encode.ts, from RFC 791, 9293, 826 and 792 alone, apart from the stack's own code.
 */
import * as encode from "../../host/encode.js";
import { arp, be, BROADCAST, checksum, opt, segment, type Tcp } from "../../host/encode.js";

export { arp, be, BROADCAST, checksum, opt, segment, type Tcp };

/** From the peer to the stack, unless it says otherwise. */
export type Ip = Omit<encode.Ip, "srcMac" | "dstMac"> & { srcMac?: number[]; dstMac?: number[] };

export const MAC_STACK = [2, 0, 10, 0, 0, 1], MAC_PEER = [2, 0, 10, 0, 0, 2];

const LETTERS: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, W: 128 };

export function ip4(text: string): number {
  return text.split(".").reduce((n, p) => n * 256 + Number(p), 0);
}

const between = (ip: Ip): encode.Ip => ({ ...ip, srcMac: ip.srcMac ?? MAC_PEER, dstMac: ip.dstMac ?? MAC_STACK });

export function ethernet(type: number, payload: Uint8Array, dst = MAC_STACK, src = MAC_PEER): Uint8Array {
  return encode.ethernet(type, payload, dst, src);
}

export function ipv4(ip: Ip, payload: Uint8Array): Uint8Array {
  return encode.ipv4(between(ip), payload);
}

export function tcp(ip: Ip, t: Tcp): Uint8Array {
  return encode.tcp(between(ip), t);
}

export function udp(ip: Ip, sport: number, dport: number, data: Uint8Array, how?: { withSum: boolean }): Uint8Array {
  return encode.udp(between(ip), sport, dport, data, how);
}

export function icmp(ip: Ip, type: number, code: number, rest: number, data: Uint8Array): Uint8Array {
  return encode.icmp(between(ip), type, code, rest, data);
}

export interface Seen {
  raw: Uint8Array;
  kind: "tcp" | "udp" | "icmp" | "arp" | "other";
  dstMac: number[];
  ip: {
    src: number;
    dst: number;
    ttl: number;
    tos: number;
    id: number;
    frag: number;
    proto: number;
    total: number;
    sumOk: boolean;
  };
  /** In the order of their bits, as FSRPAUEW letters. */
  flags: string;
  seq: number;
  ack: number;
  win: number;
  up: number;
  sport: number;
  dport: number;
  opts: Map<number, Uint8Array>;
  optBytes: Uint8Array;
  data: Uint8Array;
  sumOk: boolean;
  /** ICMP. */
  type: number;
  code: number;
  rest: number;
  /** ARP. */
  op: number;
}

export function see(raw: Uint8Array): Seen {
  const v = new DataView(raw.buffer, raw.byteOffset, raw.length);
  const seen = {
    raw, kind: "other", dstMac: [...raw.slice(0, 6)], flags: "", opts: new Map(), data: new Uint8Array(), sumOk: false,
  } as unknown as Seen;
  const type = v.getUint16(12);
  if (type === 0x0806)
    return Object.assign(seen, {
      kind: "arp", op: v.getUint16(20), ip: { src: v.getUint32(28), dst: v.getUint32(38) },
    });
  if (type !== 0x0800) return seen;
  const ihl = (raw[14]! & 15) * 4, total = v.getUint16(16), src = v.getUint32(26), dst = v.getUint32(30);
  seen.ip = {
    src, dst, total, ttl: raw[22]!, tos: raw[15]!, id: v.getUint16(18), frag: v.getUint16(20), proto: raw[23]!,
    sumOk: checksum(raw.slice(14, 14 + ihl)) === 0,
  };
  // A later fragment begins with no header.
  if ((seen.ip.frag & 0x1fff) !== 0) return seen;
  const body = raw.slice(14 + ihl, 14 + total), b = new DataView(body.buffer);
  const pseudo = Uint8Array.from([...be(4, src), ...be(4, dst), 0, seen.ip.proto, ...be(2, body.length)]);
  if (seen.ip.proto === 1) {
    return Object.assign(seen, {
      kind: "icmp", type: body[0], code: body[1], rest: b.getUint32(4), data: body.slice(8),
      sumOk: checksum(body) === 0,
    });
  }
  if (seen.ip.proto === 17) {
    return Object.assign(seen, {
      kind: "udp", sport: b.getUint16(0), dport: b.getUint16(2), data: body.slice(8),
      sumOk: checksum(pseudo, body) === 0,
    });
  }
  if (seen.ip.proto !== 6) return seen;
  const header = (body[12]! >> 4) * 4;
  const optBytes = body.slice(20, header);
  for (let i = 0; i < optBytes.length;) {
    const kind = optBytes[i]!;
    if (kind === 0) break;
    if (kind === 1) { i++; continue; }
    seen.opts.set(kind, optBytes.slice(i + 2, i + optBytes[i + 1]!));
    i += optBytes[i + 1]!;
  }
  return Object.assign(seen, {
    kind: "tcp", sport: b.getUint16(0), dport: b.getUint16(2), seq: b.getUint32(4), ack: b.getUint32(8),
    flags: Object.entries(LETTERS).filter(([, bit]) => body[13]! & bit).map(([l]) => l).join(""),
    win: b.getUint16(14), up: b.getUint16(18), optBytes, data: body.slice(header), sumOk: checksum(pseudo, body) === 0,
  });
}
