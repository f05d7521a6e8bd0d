/**
 * What a TAP device leaves to its user where that is agreed upon (linux/virtio_net.h): checksums, and the cutting of
 * large frames of TCP into segments. Both ways: what the kernel hands out is made whole, and a train of segments is
 * handed to it as one frame. Memory is little-endian, as everywhere that this runs.
 */
import { lengthAt, slotAt, type FrameRing } from "./frames.js";

/** struct virtio_net_hdr: flags, kind, bytes of headers, of a segment's text, and where a sum is begun and stored. */
export const HEAD_SIZE = 10;
const FLAGS = 0, KIND = 1, HEADERS = 2, TEXT = 4, SUM_FROM = 6, SUM_AT = 8;
const NEEDS_SUM = 1, KIND_TCP4 = 1, KIND_TCP6 = 4, KIND_ECN = 0x80;

const ETHERNET = 14, TAG = 4, IP4 = 20, IP6 = 40, IP_MAX = 65535, PROTO_TCP = 6;
/** Where things lie in headers. */
const TCP_SEQ = 4, TCP_OFFSET = 12, TCP_FLAGS = 13, TCP_SUM = 16;
const FIN = 1, PSH = 8, ACK = 16, CWR = 128;

/** Headers of a merged frame, at most: Ethernet, IPv6, TCP with 40 bytes of options. */
export const HEADERS_MAX = ETHERNET + IP6 + 60;
/** Segments of one frame, at most: those of 536 bytes, which is the least that hosts agree on without a word. */
export const TRAIN_MAX = 123;

/** The sum of 16-bit words, the lower byte first, that RFC 1071 §1 asks for; not folded. */
function sumOf(u8: Uint8Array, u32: Uint32Array, from: number, to: number): number {
  let low = 0, high = 0, at = from;
  if ((from & 3) === 0) {
    const words = from + ((to - from) & ~3);
    for (let w = from >> 2; w < words >> 2; w++) {
      const word = u32[w]!;
      low += word & 0xffff;
      high += word >>> 16;
    }
    at = words;
  }
  for (; at + 1 < to; at += 2) low += u8[at]! | (u8[at + 1]! << 8);
  if (at < to) low += u8[at]!;
  return low + high;
}

/** A sum in 16 bits. */
function folded(sum: number): number {
  let s = sum % 0xffff;
  if (s === 0 && sum !== 0) s = 0xffff;
  return s;
}

/** Stores a 16-bit number as `sumOf` reads it. */
function putSum(u8: Uint8Array, at: number, sum: number): void {
  u8[at] = sum & 255;
  u8[at + 1] = sum >> 8;
}

function put16(u8: Uint8Array, at: number, n: number): void {
  u8[at] = n >> 8;
  u8[at + 1] = n & 255;
}

const get16 = (u8: Uint8Array, at: number): number => (u8[at]! << 8) | u8[at + 1]!;

/** A sequence number, as it lies in a word. */
const swapped = (w: number): number =>
  ((w << 24) | ((w & 0xff00) << 8) | ((w >>> 8) & 0xff00) | (w >>> 24)) >>> 0;

/** A number below 2^16 of a sum in the order of the network. */
const netSum = (n: number): number => ((n & 255) << 8) | (n >> 8);

/** The sum of TCP's pseudo-header over IP at `ip`: addresses, protocol, and the length of header and text. */
function pseudoSum(u8: Uint8Array, u32: Uint32Array, ip: number, isIp6: boolean, length: number): number {
  const from = ip + (isIp6 ? 8 : 12);
  return sumOf(u8, u32, from, from + (isIp6 ? 32 : 8)) + netSum(PROTO_TCP) + netSum(length);
}

/** Where TCP begins in a frame that may be part of a train, 0: it may not. */
function tcpOf(u8: Uint8Array, frame: number, size: number): number {
  const ip = frame + ETHERNET;
  if (size < ETHERNET + IP4 + 20) return 0;
  const type = get16(u8, frame + 12);
  let tcp = 0;
  if (type === 0x0800) {
    // No options, not to be cut, and an identification that means nothing (RFC 6864 §4.1).
    const isPlain = u8[ip] === 0x45 && u8[ip + 9] === PROTO_TCP && get16(u8, ip + 4) === 0
      && get16(u8, ip + 6) === 0x4000 && get16(u8, ip + 2) === size - ETHERNET;
    if (isPlain) tcp = ip + IP4;
  } else if (type === 0x86dd && size >= ETHERNET + IP6 + 20) {
    const isPlain = u8[ip]! >> 4 === 6 && u8[ip + 6] === PROTO_TCP && get16(u8, ip + 4) === size - ETHERNET - IP6;
    if (isPlain) tcp = ip + IP6;
  }
  return tcp;
}

/** Whether the words from `a` to `end` are those from `b` on. */
function same(u32: Uint32Array, a: number, b: number, end: number): boolean {
  for (; a < end; a++, b++) if (u32[a] !== u32[b]) return false;
  return true;
}

/** A train of segments in a ring, as it is found. */
export class Train {
  /** Segments in it; 1: a frame like any other. */
  count = 1;
  /** Bytes of its headers, of each segment's text but the last one's, and of all text. */
  headers = 0;
  text = 0;
  total = 0;
  #tcp = 0;

  /**
   * Finds what can go as one frame, from slot `at` on, of `count`: segments of one connection, each where the one
   * before ends, that differ in nothing but their text; PSH or FIN, and one that is shorter, end it.
   */
  find(ring: FrameRing, at: number, count: number): void {
    const { u8, u32 } = ring, frame = slotAt(ring, at), size = u32[lengthAt(ring, at)]!;
    const tcp = tcpOf(u8, frame, size);
    this.count = 1;
    this.#tcp = tcp;
    if (tcp === 0 || count === 1 || u8[tcp + TCP_FLAGS] !== ACK) return;
    this.headers = tcp - frame + (u8[tcp + TCP_OFFSET]! >> 4) * 4;
    this.text = this.total = size - this.headers;
    if (this.text <= 0 || u8[tcp + TCP_OFFSET]! >> 4 < 5) return;
    const most = Math.min(count, TRAIN_MAX), room = IP_MAX - (this.headers - ETHERNET);
    while (this.count < most) {
      const next = slotAt(ring, at + this.count), text = u32[lengthAt(ring, at + this.count)]! - this.headers;
      if (text <= 0 || text > this.text || this.total + text > room || !this.#continues(ring, frame, next)) return;
      this.count++;
      this.total += text;
      if (text < this.text || u8[tcp - frame + next + TCP_FLAGS] !== ACK) return;
    }
  }

  /** Whether the frame at `next` has the headers of the first, and its text comes behind the text so far. */
  #continues({ u8, u32 }: FrameRing, frame: number, next: number): boolean {
    const tcp = this.#tcp, ip = (frame + ETHERNET) >> 2, t = tcp >> 2, by = (next - frame) >> 2, n = t + by;
    // Ethernet begins half a word before a word.
    if (u8[frame] !== u8[next] || u8[frame + 1] !== u8[next + 1]) return false;
    if (!same(u32, (frame + 2) >> 2, (next + 2) >> 2, ip)) return false;
    if (t - ip === IP4 >> 2) {
      // Not the length, nor the sum.
      if (((u32[ip]! ^ u32[ip + by]!) & 0xffff) !== 0 || u32[ip + 1] !== u32[ip + 1 + by]) return false;
      if (((u32[ip + 2]! ^ u32[ip + 2 + by]!) & 0xffff) !== 0 || !same(u32, ip + 3, ip + 3 + by, t)) return false;
    } else {
      if (u32[ip] !== u32[ip + by] || (u32[ip + 1]! ^ u32[ip + 1 + by]!) >>> 16 !== 0) return false;
      if (!same(u32, ip + 2, ip + 2 + by, t)) return false;
    }
    // Ports, the place in the stream, ACK, flags but for PSH and FIN, window, urgent pointer, options.
    return u32[t] === u32[n] && (swapped(u32[t + 1]!) + this.total) >>> 0 === swapped(u32[n + 1]!)
      && u32[t + 2] === u32[n + 2] && ((u32[t + 3]! ^ u32[n + 3]!) & ~((PSH | FIN) << 8)) === 0
      && (u32[t + 4]! ^ u32[n + 4]!) >>> 16 === 0 && same(u32, t + 5, n + 5, (frame + this.headers) >> 2);
  }

  /**
   * Writes what stands before the text of the whole train, which `find` has found: `head` bytes for the kernel, and
   * headers, two bytes behind a multiple of four. The kernel makes the sum.
   */
  write(ring: FrameRing, at: number, u8: Uint8Array, u32: Uint32Array, head: number, headers: number): void {
    const frame = slotAt(ring, at), last = slotAt(ring, at + this.count - 1), tcp = this.#tcp - frame;
    u8.set(ring.u8.subarray(frame, frame + this.headers), headers);
    const ip = headers + ETHERNET, isIp6 = tcp === ETHERNET + IP6, length = this.headers - tcp + this.total;
    u8[headers + tcp + TCP_FLAGS] = ring.u8[last + tcp + TCP_FLAGS]!;
    if (isIp6) {
      put16(u8, ip + 4, length);
    } else {
      put16(u8, ip + 2, IP4 + length);
      putSum(u8, ip + 10, 0);
      putSum(u8, ip + 10, ~folded(sumOf(u8, u32, ip, ip + IP4)) & 0xffff);
    }
    putSum(u8, headers + tcp + TCP_SUM, folded(pseudoSum(u8, u32, ip, isIp6, length)));
    const view = new DataView(u8.buffer, u8.byteOffset + head, HEAD_SIZE);
    view.setUint8(FLAGS, NEEDS_SUM);
    view.setUint8(KIND, isIp6 ? KIND_TCP6 : KIND_TCP4);
    view.setUint16(HEADERS, this.headers, true);
    view.setUint16(TEXT, this.text, true);
    view.setUint16(SUM_FROM, tcp, true);
    view.setUint16(SUM_AT, TCP_SUM, true);
  }
}

/** Makes the sum of a frame whose sum the kernel has begun, as the head before it says. `size` bytes are there. */
export function finishSum(u8: Uint8Array, u32: Uint32Array, frame: number, size: number, head: DataView): void {
  if ((head.getUint8(FLAGS) & NEEDS_SUM) === 0) return;
  const from = head.getUint16(SUM_FROM, true), where = head.getUint16(SUM_AT, true);
  if (from + where + 2 > size) return;
  const sum = ~folded(sumOf(u8, u32, frame + from, frame + size)) & 0xffff;
  // UDP has no sum of 0: that would be none.
  putSum(u8, frame + from + where, sum === 0 && where !== TCP_SUM ? 0xffff : sum);
}

/** Whether a head stands before a frame that is to be cut. */
export const isLarge = (head: DataView): boolean => head.getUint8(KIND) !== 0;

/** Cuts a large frame of TCP into segments, as a network device would. */
export class Cut {
  /** Bytes of headers, and of text, in all and of each segment. */
  #headers = 0;
  #total = 0;
  #text = 0;
  #done = 0;
  #ip = 0;
  #tcp = 0;
  #first = 0;

  /** Takes from the memory that the large frame is in, two bytes behind a multiple of four. */
  constructor(readonly u8: Uint8Array, readonly frame: number) {}

  /** Whether there is more of it. */
  get isUnder(): boolean {
    return this.#done < this.#total;
  }

  /** Begins with a frame of `size` bytes. Returns whether it can be cut. */
  begin(size: number, head: DataView): boolean {
    const { u8, frame } = this, kind = head.getUint8(KIND) & ~KIND_ECN;
    const type = get16(u8, frame + 12), isTagged = type === 0x8100 || type === 0x88a8;
    this.#done = this.#total = 0;
    this.#ip = ETHERNET + (isTagged ? TAG : 0);
    this.#tcp = head.getUint16(SUM_FROM, true);
    this.#text = head.getUint16(TEXT, true);
    const least = this.#ip + (kind === KIND_TCP4 ? IP4 : IP6);
    if ((kind !== KIND_TCP4 && kind !== KIND_TCP6) || this.#text === 0) return false;
    if (this.#tcp < least || (this.#tcp & 3) !== 2 || this.#tcp + 20 > size) return false;
    this.#headers = this.#tcp + (u8[frame + this.#tcp + TCP_OFFSET]! >> 4) * 4;
    if (this.#headers < this.#tcp + 20 || this.#headers >= size) return false;
    this.#total = size - this.#headers;
    this.#first = new DataView(u8.buffer, u8.byteOffset + frame + this.#tcp).getUint32(TCP_SEQ);
    return true;
  }

  /** Writes the next segment at `to`, two bytes behind a multiple of four. Returns its size; too long: 0, the end. */
  next(u8: Uint8Array, u32: Uint32Array, to: number, room: number): number {
    const text = Math.min(this.#text, this.#total - this.#done), size = this.#headers + text;
    if (size > room) {
      this.#done = this.#total;
      return 0;
    }
    const from = this.frame + this.#headers + this.#done, isFirst = this.#done === 0;
    u8.set(this.u8.subarray(this.frame, this.frame + this.#headers), to);
    u8.set(this.u8.subarray(from, from + text), to + this.#headers);
    this.#address(u8, u32, to, size);
    const tcp = to + this.#tcp, seq = (this.#first + this.#done) >>> 0;
    put16(u8, tcp + TCP_SEQ, seq >>> 16);
    put16(u8, tcp + TCP_SEQ + 2, seq & 0xffff);
    this.#done += text;
    // What ends a train stands on its last segment, and what was reduced is told on its first.
    if (this.isUnder) u8[tcp + TCP_FLAGS]! &= ~(PSH | FIN);
    if (!isFirst) u8[tcp + TCP_FLAGS]! &= ~CWR;
    const isIp6 = u8[to + this.#ip]! >> 4 === 6;
    putSum(u8, tcp + TCP_SUM, 0);
    const sum = sumOf(u8, u32, tcp, to + size) + pseudoSum(u8, u32, to + this.#ip, isIp6, size - this.#tcp);
    putSum(u8, tcp + TCP_SUM, ~folded(sum) & 0xffff);
    return size;
  }

  /** The IP header of a segment: its length; of IPv4, an identification of its own where it may be cut, and the sum. */
  #address(u8: Uint8Array, u32: Uint32Array, to: number, size: number): void {
    const ip = to + this.#ip;
    if (u8[ip]! >> 4 === 6) return put16(u8, ip + 4, size - this.#ip - IP6);
    put16(u8, ip + 2, size - this.#ip);
    const index = Math.floor(this.#done / this.#text);
    if ((u8[ip + 6]! & 0x40) === 0) put16(u8, ip + 4, (get16(u8, ip + 4) + index) & 0xffff);
    putSum(u8, ip + 10, 0);
    putSum(u8, ip + 10, ~folded(sumOf(u8, u32, ip, to + this.#tcp)) & 0xffff);
  }
}
