/**
 * The frames that the codec of tests/harness makes, in memory that is used again: a frame is good until the next one is
 * made.
 */
import { sum } from "../../host/encode.js";
import { ip4, MAC_PEER, MAC_STACK, type Tcp } from "../harness/codec.js";

const STACK = ip4("10.0.0.1");
const BITS: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, W: 128 };

const quick = new Uint8Array(4096), view = new DataView(quick.buffer);
quick.set([...MAC_STACK, ...MAC_PEER, 8, 0]);

/** Starts a datagram to the stack. Returns where its payload goes. */
function begin(src: number, protocol: number, id = 1, fragment = 0x4000, options?: number[]): number {
  const extra = options === undefined ? 0 : 4;
  quick[14] = 0x45 + extra / 4;
  quick[15] = 0;
  view.setUint16(18, id);
  view.setUint16(20, fragment);
  quick[22] = 64;
  quick[23] = protocol;
  view.setUint16(24, 0);
  view.setUint32(26, src);
  view.setUint32(30, STACK);
  if (options) for (let i = 0; i < 4; i++) quick[34 + i] = options[i] ?? 0;
  return 34 + extra;
}

/** Ends the datagram whose payload lies from `at` to `end`. */
function finish(at: number, end: number): Uint8Array {
  view.setUint16(16, end - 14);
  view.setUint16(24, sum(quick, 14, at, 0) ^ 0xffff);
  return quick.subarray(0, end);
}

/** The sum of a TCP segment or a UDP datagram, at `place`. */
function seal(at: number, end: number, place: number, protocol: number): void {
  view.setUint16(at + place, 0);
  view.setUint16(at + place, sum(quick, at, end, sum(quick, 26, 34) + protocol + end - at) ^ 0xffff);
}

export function quickTcp(src: number, t: Tcp, ipOptions?: number[], tos = 0): Uint8Array {
  const opts = t.opts!;
  const header = 20 + ((opts.length + 3) & ~3);
  const data = t.data!;
  const at = begin(src, 6, 1, 0x4000, ipOptions);
  const end = at + header + data.length;
  quick[15] = tos;
  view.setUint16(at, t.sport!);
  view.setUint16(at + 2, t.dport!);
  view.setUint32(at + 4, t.seq);
  view.setUint32(at + 8, t.ack!);
  let flags = 0;
  for (const c of t.flags) flags |= BITS[c]!;
  view.setUint16(at + 12, (header << 10) | flags);
  view.setUint16(at + 14, t.win!);
  view.setUint16(at + 18, t.up!);
  quick.fill(0, at + 20, at + header);
  for (let i = 0; i < opts.length; i++) quick[at + 20 + i] = opts[i]!;
  quick.set(data, at + header);
  seal(at, end, 16, 6);
  return finish(at, end);
}

export function quickUdp(src: number, sport: number, dport: number, size: number, withSum = true): Uint8Array {
  const at = begin(src, 17), end = at + 8 + size;
  view.setUint16(at, sport);
  view.setUint16(at + 2, dport);
  view.setUint16(at + 4, 8 + size);
  quick.fill(0, at + 8, end);
  if (withSum) seal(at, end, 6, 17);
  else view.setUint16(at + 6, 0);
  return finish(at, end);
}

/** An echo request (type 8) or reply (0) with `size` bytes. */
export function quickEcho(src: number, type: number, size: number): Uint8Array {
  const at = begin(src, 1), end = at + 8 + size;
  quick.fill(0, at, end);
  quick[at] = type;
  view.setUint16(at + 2, sum(quick, at, end, 0) ^ 0xffff);
  return finish(at, end);
}

/**
 * The part of a datagram's payload from one unit of 8 bytes to another, as a fragment of its own. The header of `whole`
 * has no options that matter.
 */
export function piece(whole: Uint8Array, id: number, from: number, to: number): Uint8Array {
  const total = Math.min(whole.length, 14 + ((whole[16]! << 8) | whole[17]!));
  const first = 34 + 8 * from;
  const last = Math.min(total, 34 + 8 * to);
  const out = new Uint8Array(34 + Math.max(0, last - first));
  out.set(whole.subarray(0, 34));
  out.set(whole.subarray(first, Math.max(first, last)), 34);
  out[14] = 0x45;
  put(out, 16, out.length - 14);
  put(out, 18, id);
  put(out, 20, from | (last < total ? 0x2000 : 0));
  put(out, 24, 0);
  put(out, 24, sum(out, 14, 34, 0) ^ 0xffff);
  return out;
}

/** An ICMP error that quotes the first `size` bytes (8 to 27) of the payload of a segment of the stack's. */
export function quickIcmp(
  src: number, type: number, code: number, rest: number,
  quoted: { src: number; dst: number; sport: number; dport: number; seq: number; protocol: number; total: number },
  size: number,
): Uint8Array {
  const at = begin(src, 1), ip = at + 8, tcp = ip + 20, end = tcp + size;
  quick.fill(0, at, end);
  quick[at] = type;
  quick[at + 1] = code;
  view.setUint32(at + 4, rest);
  quick[ip] = 0x45;
  view.setUint16(ip + 2, quoted.total);
  view.setUint16(ip + 4, 1);
  view.setUint16(ip + 6, 0x4000);
  quick[ip + 8] = 64;
  quick[ip + 9] = quoted.protocol;
  view.setUint32(ip + 12, quoted.src);
  view.setUint32(ip + 16, quoted.dst);
  view.setUint16(ip + 10, sum(quick, ip, tcp, 0) ^ 0xffff);
  view.setUint16(tcp, quoted.sport);
  view.setUint16(tcp + 2, quoted.dport);
  view.setUint32(tcp + 4, quoted.seq);
  if (size > 13) view.setUint16(tcp + 12, 0x5010);
  view.setUint16(at + 2, sum(quick, at, end, 0) ^ 0xffff);
  return finish(at, end);
}

/** A fragment of zeros. */
export function quickFragment(src: number, protocol: number, id: number, fragment: number, size: number): Uint8Array {
  const at = begin(src, protocol, id, fragment);
  quick.fill(0, at, at + size);
  return finish(at, at + size);
}

/** The sum of the addresses in an IP header. */
export function sumAddresses(f: Uint8Array): number {
  return sum(f, 26, 34);
}

/** The timestamp that a segment carries; 0: none. */
export function tsValOf(f: Uint8Array): number {
  const end = Math.min(f.length, 34 + (f[46]! >> 4) * 4);
  for (let i = 54; i + 10 <= end;) {
    if (f[i] === 8) return new DataView(f.buffer, f.byteOffset).getUint32(i + 2);
    i += f[i] === 1 ? 1 : Math.max(2, f[i + 1]!);
  }
  return 0;
}

/** Makes the checksums of a frame right again, if it still has a shape. */
export function repair(frame: Uint8Array): void {
  const ihl = (frame[14]! & 15) * 4, total = Math.min((frame[16]! << 8) | frame[17]!, frame.length - 14);
  if (ihl < 20 || 14 + ihl > frame.length) return;
  frame[24] = frame[25] = 0;
  put(frame, 24, sum(frame, 14, 14 + ihl, 0) ^ 0xffff);
  if (frame[23] !== 6 || total < ihl + 20) return;
  const at = 14 + ihl, size = total - ihl;
  frame[at + 16] = frame[at + 17] = 0;
  put(frame, at + 16, sum(frame, at, at + size, sumAddresses(frame) + 6 + size) ^ 0xffff);
}

function put(frame: Uint8Array, at: number, value: number): void {
  frame[at] = value >> 8;
  frame[at + 1] = value & 255;
}
