/** Frames for tests: written from RFC 791, 793/9293, 826 and 792 alone, and apart from the stack's own code. */

export interface Tcp {
  flags: string;
  seq: number;
  ack?: number;
  win?: number;
  up?: number;
  /** Option bytes as they stand, padded by the caller or here with EOL. */
  opts?: number[];
  data?: Uint8Array;
  sport?: number;
  dport?: number;
}

export interface Ip {
  src: number;
  dst: number;
  proto?: number;
  ttl?: number;
  tos?: number;
  id?: number;
  /** Flags and offset field. */
  frag?: number;
  ipOpts?: number[];
  srcMac?: number[];
  dstMac?: number[];
}

export const MAC_STACK = [2, 0, 10, 0, 0, 1], MAC_PEER = [2, 0, 10, 0, 0, 2], BROADCAST = [255, 255, 255, 255, 255, 255];

const LETTERS: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, W: 128 };

export function ip4(text: string): number {
  return text.split(".").reduce((n, p) => n * 256 + Number(p), 0);
}

/** One's complement sum, 16 bits at a time. */
function checksum(...parts: Uint8Array[]): number {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  parts.reduce((at, p) => (all.set(p, at), at + p.length), 0);
  let sum = 0;
  for (let i = 0; i < all.length; i += 2) sum += (all[i]! << 8) | (all[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export function be(size: 1 | 2 | 4, n: number): number[] {
  return Array.from({ length: size }, (_, i) => (n >>> (8 * (size - 1 - i))) & 255);
}

export function ethernet(type: number, payload: Uint8Array, dst = MAC_STACK, src = MAC_PEER): Uint8Array {
  return Uint8Array.from([...dst, ...src, ...be(2, type), ...payload]);
}

export function ipv4(ip: Ip, payload: Uint8Array): Uint8Array {
  const opts = [...(ip.ipOpts ?? [])];
  while (opts.length % 4) opts.push(0);
  const header = Uint8Array.from([
    0x40 | (5 + opts.length / 4), ip.tos ?? 0, ...be(2, 20 + opts.length + payload.length), ...be(2, ip.id ?? 1), ...be(2, ip.frag ?? 0x4000),
    ip.ttl ?? 64, ip.proto ?? 6, 0, 0, ...be(4, ip.src), ...be(4, ip.dst), ...opts,
  ]);
  header.set(be(2, checksum(header)), 10);
  return ethernet(0x0800, Uint8Array.from([...header, ...payload]), ip.dstMac, ip.srcMac);
}

/** A TCP segment without its IP header. */
export function segment(ip: Ip, t: Tcp): Uint8Array {
  const opts = [...(t.opts ?? [])];
  while (opts.length % 4) opts.push(0);
  const flags = [...t.flags].reduce((n, c) => n | (LETTERS[c] ?? 0), 0);
  const bytes = Uint8Array.from([
    ...be(2, t.sport ?? 0), ...be(2, t.dport ?? 0), ...be(4, t.seq), ...be(4, t.ack ?? 0), (5 + opts.length / 4) << 4, flags,
    ...be(2, t.win ?? 65535), 0, 0, ...be(2, t.up ?? 0), ...opts, ...(t.data ?? []),
  ]);
  bytes.set(be(2, checksum(Uint8Array.from([...be(4, ip.src), ...be(4, ip.dst), 0, 6, ...be(2, bytes.length)]), bytes)), 16);
  return bytes;
}

export function tcp(ip: Ip, t: Tcp): Uint8Array {
  return ipv4({ ...ip, proto: 6 }, segment(ip, t));
}

export function udp(ip: Ip, sport: number, dport: number, data: Uint8Array, withSum = true): Uint8Array {
  const bytes = Uint8Array.from([...be(2, sport), ...be(2, dport), ...be(2, 8 + data.length), 0, 0, ...data]);
  if (withSum) {
    const sum = checksum(Uint8Array.from([...be(4, ip.src), ...be(4, ip.dst), 0, 17, ...be(2, bytes.length)]), bytes);
    bytes.set(be(2, sum || 0xffff), 6);
  }
  return ipv4({ ...ip, proto: 17 }, bytes);
}

export function icmp(ip: Ip, type: number, code: number, rest: number, data: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from([type, code, 0, 0, ...be(4, rest), ...data]);
  bytes.set(be(2, checksum(bytes)), 2);
  return ipv4({ ...ip, proto: 1 }, bytes);
}

export function arp(op: number, sender: { mac: number[]; ip: number }, target: { mac: number[]; ip: number }, dst = BROADCAST): Uint8Array {
  return ethernet(0x0806, Uint8Array.from([0, 1, 8, 0, 6, 4, ...be(2, op), ...sender.mac, ...be(4, sender.ip), ...target.mac, ...be(4, target.ip)]), dst, sender.mac);
}

/** Options. */
export const opt = {
  mss: (n: number) => [2, 4, ...be(2, n)],
  ws: (n: number) => [3, 3, n],
  sackOk: () => [4, 2],
  ts: (val: number, ecr: number) => [8, 10, ...be(4, val), ...be(4, ecr)],
  sack: (...blocks: [number, number][]) => [5, 2 + 8 * blocks.length, ...blocks.flatMap(([a, b]) => [...be(4, a), ...be(4, b)])],
  fastOpen: (cookie: number[] | Uint8Array = []) => [34, 2 + cookie.length, ...cookie],
  nop: () => [1],
};

export interface Seen {
  raw: Uint8Array;
  kind: "tcp" | "udp" | "icmp" | "arp" | "other";
  dstMac: number[];
  ip: { src: number; dst: number; ttl: number; tos: number; id: number; frag: number; proto: number; total: number; sumOk: boolean };
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
  const seen = { raw, kind: "other", dstMac: [...raw.slice(0, 6)], flags: "", opts: new Map(), data: new Uint8Array(), sumOk: false } as unknown as Seen;
  const type = v.getUint16(12);
  if (type === 0x0806) return Object.assign(seen, { kind: "arp", op: v.getUint16(20), ip: { src: v.getUint32(28), dst: v.getUint32(38) } });
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
    return Object.assign(seen, { kind: "icmp", type: body[0], code: body[1], rest: b.getUint32(4), data: body.slice(8), sumOk: checksum(body) === 0 });
  }
  if (seen.ip.proto === 17) {
    return Object.assign(seen, { kind: "udp", sport: b.getUint16(0), dport: b.getUint16(2), data: body.slice(8), sumOk: checksum(pseudo, body) === 0 });
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
