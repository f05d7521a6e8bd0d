/**
 * What a TAP device leaves to its user where that is agreed upon (linux/virtio_net.h): checksums, and the cutting of
 * large frames of TCP into segments, and of UDP into datagrams. What the kernel hands out is made whole, and a train of
 * segments is handed to it as one frame. Memory is little-endian, as everywhere that this runs.
 */
import {
  ETHERNET, ETHERTYPE, IP_FLAG, IPV4, IPV6, PROTOCOL, SIZE, TCP, TCP_FLAG, tcpSize, UDP,
} from "../headers.js";
import { lengthAt, slotAt, type FrameRing } from "./frames.js";

/** struct virtio_net_hdr: flags, kind, bytes of headers, of a segment's text, and where a sum is begun and stored. */
export const HEAD_SIZE = 10;
const FLAGS = 0, KIND = 1, HEADERS = 2, TEXT = 4, SUM_FROM = 6, SUM_AT = 8;
const NEEDS_SUM = 1, KIND_TCP4 = 1, KIND_TCP6 = 4, KIND_UDP = 5, KIND_ECN = 0x80;

const { ethernet: ETHERNET_SIZE, tag: TAG_SIZE, ipv4: IP4, ipv6: IP6 } = SIZE, IP_MAX = 65535;
/** Where things lie in headers: what is looked at once for each frame has no time for `get`. */
const TYPE = ETHERNET.type.byte, TOTAL4 = IPV4.total.byte, ID4 = IPV4.id.byte, FLAGS4 = IPV4.flags.byte;
const SUM4 = IPV4.sum.byte, LENGTH6 = IPV6.length.byte;
const TCP_SEQ = TCP.seq.byte, TCP_FLAGS = TCP.flags.byte, TCP_SUM = TCP.sum.byte;
const UDP_LENGTH = UDP.length.byte, UDP_SUM = UDP.sum.byte;
/** The words of 32 bits that they are in, in IPv4, IPv6 and TCP. */
const ID_WORD = ID4 >> 2, SUM_WORD = SUM4 >> 2, SRC_WORD = IPV4.src.byte >> 2;
const LENGTH6_WORD = LENGTH6 >> 2, SRC6_WORD = IPV6.src.byte >> 2, SEQ_WORD = TCP_SEQ >> 2;
const ACK_WORD = TCP.ack.byte >> 2, FLAGS_WORD = TCP_FLAGS >> 2, URGENT_WORD = TCP.urgent.byte >> 2;
const OPTIONS_WORD = SIZE.tcp >> 2;
/** IPv4's first byte in a header without options; and of the word with the flags, that nobody may cut it. */
const PLAIN4 = (4 << IPV4.ihl.bits) | (IP4 / 4), UNCUT = IP_FLAG.dont << IPV4.offset.bits;
const { fin: FIN, psh: PSH, ack: ACK, cwr: CWR } = TCP_FLAG;

/** Headers of a merged frame, at most: Ethernet, IPv6, TCP with 40 bytes of options. */
export const HEADERS_MAX = ETHERNET_SIZE + IP6 + SIZE.tcp + 40;
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

/** The sum of the pseudo-header over IP at `ip`: addresses, protocol, and the length of header and text. */
function pseudoSum(
  u8: Uint8Array, u32: Uint32Array, ip: number, isIp6: boolean, length: number, protocol = PROTOCOL.tcp,
): number {
  const from = ip + (isIp6 ? IPV6 : IPV4).src.byte, to = ip + (isIp6 ? IP6 : IP4);
  return sumOf(u8, u32, from, to) + netSum(protocol) + netSum(length);
}

/** Where TCP begins in a frame that may be part of a train, 0: it may not. */
function tcpOf(u8: Uint8Array, frame: number, size: number): number {
  const ip = frame + ETHERNET_SIZE;
  if (size < ETHERNET_SIZE + IP4 + SIZE.tcp) return 0;
  const type = get16(u8, frame + TYPE);
  let tcp = 0;
  if (type === ETHERTYPE.ipv4) {
    // No options, not to be cut, and an identification that means nothing (RFC 6864 §4.1).
    const isPlain = u8[ip] === PLAIN4 && u8[ip + IPV4.protocol.byte] === PROTOCOL.tcp && get16(u8, ip + ID4) === 0
      && get16(u8, ip + FLAGS4) === UNCUT && get16(u8, ip + TOTAL4) === size - ETHERNET_SIZE;
    if (isPlain) tcp = ip + IP4;
  } else if (type === ETHERTYPE.ipv6 && size >= ETHERNET_SIZE + IP6 + SIZE.tcp) {
    const isPlain = u8[ip]! >> 4 === 6 && u8[ip + IPV6.next.byte] === PROTOCOL.tcp
      && get16(u8, ip + LENGTH6) === size - ETHERNET_SIZE - IP6;
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
    this.headers = tcp - frame + tcpSize(u8, tcp);
    this.text = this.total = size - this.headers;
    if (this.text <= 0 || tcpSize(u8, tcp) < SIZE.tcp) return;
    const most = Math.min(count, TRAIN_MAX), room = IP_MAX - (this.headers - ETHERNET_SIZE);
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
    const tcp = this.#tcp, ip = (frame + ETHERNET_SIZE) >> 2, t = tcp >> 2, by = (next - frame) >> 2, n = t + by;
    // Ethernet begins half a word before a word.
    if (u8[frame] !== u8[next] || u8[frame + 1] !== u8[next + 1]) return false;
    if (!same(u32, (frame + 2) >> 2, (next + 2) >> 2, ip)) return false;
    if (t - ip === IP4 >> 2) {
      // Not the length, nor the sum.
      if (((u32[ip]! ^ u32[ip + by]!) & 0xffff) !== 0 || u32[ip + ID_WORD] !== u32[ip + ID_WORD + by]) return false;
      const sum = ip + SUM_WORD, src = ip + SRC_WORD;
      if (((u32[sum]! ^ u32[sum + by]!) & 0xffff) !== 0 || !same(u32, src, src + by, t)) return false;
    } else {
      const length = ip + LENGTH6_WORD, src = ip + SRC6_WORD;
      if (u32[ip] !== u32[ip + by] || (u32[length]! ^ u32[length + by]!) >>> 16 !== 0) return false;
      if (!same(u32, src, src + by, t)) return false;
    }
    // Ports, the place in the stream, ACK, flags but for PSH and FIN, window, urgent pointer, options.
    return u32[t] === u32[n] && (swapped(u32[t + SEQ_WORD]!) + this.total) >>> 0 === swapped(u32[n + SEQ_WORD]!)
      && u32[t + ACK_WORD] === u32[n + ACK_WORD]
      && ((u32[t + FLAGS_WORD]! ^ u32[n + FLAGS_WORD]!) & ~((PSH | FIN) << 8)) === 0
      && (u32[t + URGENT_WORD]! ^ u32[n + URGENT_WORD]!) >>> 16 === 0
      && same(u32, t + OPTIONS_WORD, n + OPTIONS_WORD, (frame + this.headers) >> 2);
  }

  /**
   * Writes what stands before the text of the whole train, which `find` has found: `head` bytes for the kernel, and
   * headers, two bytes behind a multiple of four. The kernel makes the sum.
   */
  write(ring: FrameRing, at: number, u8: Uint8Array, u32: Uint32Array, head: number, headers: number): void {
    const frame = slotAt(ring, at), last = slotAt(ring, at + this.count - 1), tcp = this.#tcp - frame;
    u8.set(ring.u8.subarray(frame, frame + this.headers), headers);
    const ip = headers + ETHERNET_SIZE, isIp6 = tcp === ETHERNET_SIZE + IP6, length = this.headers - tcp + this.total;
    u8[headers + tcp + TCP_FLAGS] = ring.u8[last + tcp + TCP_FLAGS]!;
    if (isIp6) {
      put16(u8, ip + LENGTH6, length);
    } else {
      put16(u8, ip + TOTAL4, IP4 + length);
      putSum(u8, ip + SUM4, 0);
      putSum(u8, ip + SUM4, ~folded(sumOf(u8, u32, ip, ip + IP4)) & 0xffff);
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

/** Cuts a large frame of TCP into segments, or of UDP into datagrams, as a network device would. */
export class Cut {
  /** Bytes of headers, and of text, in all and of each segment. */
  #headers = 0;
  #total = 0;
  #text = 0;
  #done = 0;
  #ip = 0;
  /** Where TCP or UDP begins, which of them it is, and the first sequence number. */
  #tcp = 0;
  #isUdp = false;
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
    const type = get16(u8, frame + TYPE), isTagged = type === ETHERTYPE.vlan || type === ETHERTYPE.serviceVlan;
    this.#done = this.#total = 0;
    this.#ip = ETHERNET_SIZE + (isTagged ? TAG_SIZE : 0);
    this.#tcp = head.getUint16(SUM_FROM, true);
    this.#text = head.getUint16(TEXT, true);
    this.#isUdp = kind === KIND_UDP;
    const isIp6 = this.#isUdp ? u8[frame + this.#ip]! >> 4 === 6 : kind === KIND_TCP6;
    const least = this.#ip + (isIp6 ? IP6 : IP4), header = this.#isUdp ? SIZE.udp : SIZE.tcp;
    if ((kind !== KIND_TCP4 && kind !== KIND_TCP6 && !this.#isUdp) || this.#text === 0) return false;
    if (this.#tcp < least || (this.#tcp & 3) !== 2 || this.#tcp + header > size) return false;
    this.#headers = this.#tcp + (this.#isUdp ? header : tcpSize(u8, frame + this.#tcp));
    if (this.#headers < this.#tcp + header || this.#headers >= size) return false;
    this.#total = size - this.#headers;
    this.#first = this.#isUdp ? 0 : new DataView(u8.buffer, u8.byteOffset + frame + this.#tcp).getUint32(TCP_SEQ);
    return true;
  }

  /** Writes the next segment at `to`, two bytes behind a multiple of four. Returns its size; too long: 0, the end. */
  next(u8: Uint8Array, u32: Uint32Array, to: number, room: number): number {
    const text = Math.min(this.#text, this.#total - this.#done), size = this.#headers + text;
    if (size > room) {
      this.#done = this.#total;
      return 0;
    }
    const from = this.frame + this.#headers + this.#done;
    u8.set(this.u8.subarray(this.frame, this.frame + this.#headers), to);
    u8.set(this.u8.subarray(from, from + text), to + this.#headers);
    this.#address(u8, u32, to, size);
    if (this.#isUdp) this.#datagram(u8, u32, to, size);
    else this.#segment(u8, u32, to, size, text);
    this.#done += text;
    return size;
  }

  /** The TCP header of a segment: its place in the stream, its flags, and the sum. */
  #segment(u8: Uint8Array, u32: Uint32Array, to: number, size: number, text: number): void {
    const tcp = to + this.#tcp, seq = (this.#first + this.#done) >>> 0;
    put16(u8, tcp + TCP_SEQ, seq >>> 16);
    put16(u8, tcp + TCP_SEQ + 2, seq & 0xffff);
    // What ends a train stands on its last segment, and what was reduced is told on its first.
    if (this.#done + text < this.#total) u8[tcp + TCP_FLAGS]! &= ~(PSH | FIN);
    if (this.#done > 0) u8[tcp + TCP_FLAGS]! &= ~CWR;
    putSum(u8, tcp + TCP_SUM, this.#sum(u8, u32, to, size, TCP_SUM, PROTOCOL.tcp));
  }

  /** The UDP header of a datagram: its length and its sum, which is never 0 (RFC 768). */
  #datagram(u8: Uint8Array, u32: Uint32Array, to: number, size: number): void {
    const udp = to + this.#tcp;
    put16(u8, udp + UDP_LENGTH, size - this.#tcp);
    putSum(u8, udp + UDP_SUM, this.#sum(u8, u32, to, size, UDP_SUM, PROTOCOL.udp) || 0xffff);
  }

  /** The sum of what the IP packet carries, for its place `where` there. */
  #sum(u8: Uint8Array, u32: Uint32Array, to: number, size: number, where: number, protocol: number): number {
    const at = to + this.#tcp, ip = to + this.#ip, isIp6 = u8[ip]! >> 4 === 6;
    putSum(u8, at + where, 0);
    const pseudo = pseudoSum(u8, u32, ip, isIp6, size - this.#tcp, protocol);
    return ~folded(sumOf(u8, u32, at, to + size) + pseudo) & 0xffff;
  }

  /** The IP header of a segment: its length; of IPv4, an identification of its own where it may be cut, and the sum. */
  #address(u8: Uint8Array, u32: Uint32Array, to: number, size: number): void {
    const ip = to + this.#ip;
    if (u8[ip]! >> 4 === 6) return put16(u8, ip + LENGTH6, size - this.#ip - IP6);
    put16(u8, ip + TOTAL4, size - this.#ip);
    const index = Math.floor(this.#done / this.#text);
    if ((get16(u8, ip + FLAGS4) & UNCUT) === 0) put16(u8, ip + ID4, (get16(u8, ip + ID4) + index) & 0xffff);
    putSum(u8, ip + SUM4, 0);
    putSum(u8, ip + SUM4, ~folded(sumOf(u8, u32, ip, to + this.#tcp)) & 0xffff);
  }
}
