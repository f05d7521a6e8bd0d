/** IPv4 packets as the gateway reads them, and with other addresses and ports. */
import { be, checksum, sum } from "../../encode.js";

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

const ETHERNET = 14;

/** The packet in a frame; undefined: it is none, it is broken, or a part of one. */
export function readPacket(frame: Uint8Array): Packet | undefined {
  if (frame.length < ETHERNET + 20 || frame[12] !== 8 || frame[13] !== 0 || frame[14]! >> 4 !== 4) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length), at = ETHERNET + (frame[14]! & 15) * 4;
  const end = ETHERNET + view.getUint16(16);
  if (at < ETHERNET + 20 || end < at || end > frame.length || (view.getUint16(20) & 0x3fff) !== 0) return undefined;
  if (sum(frame, ETHERNET, at) !== 0xffff) return undefined;
  return { frame, src: view.getUint32(26), dst: view.getUint32(30), protocol: frame[23]!, at, end };
}

/** The station that sent a frame. */
export const sender = (frame: Uint8Array): Uint8Array => frame.slice(6, 12);

export interface Datagram { src: number; sport: number; dst: number; dport: number; data: Uint8Array }

/** The datagram in a packet of UDP; undefined: its sum is wrong, or its length. */
export function readDatagram({ frame, src, dst, at, end }: Packet): Datagram | undefined {
  if (end - at < 8) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset), size = view.getUint16(at + 4);
  if (size < 8 || at + size > end) return undefined;
  const pseudo = Uint8Array.from([...be(4, src), ...be(4, dst), 0, 17, ...be(2, size)]);
  if (view.getUint16(at + 6) !== 0 && checksum(pseudo, frame.slice(at, at + size)) !== 0) return undefined;
  return {
    src, sport: view.getUint16(at), dst, dport: view.getUint16(at + 2), data: frame.slice(at + 8, at + size),
  };
}

/** Ports and flags of a TCP segment, and what its receiver acknowledges it with; undefined: it is cut short. */
export function readSegment({ frame, at, end }: Packet):
{ sport: number; dport: number; seq: number; ack: number; flags: number; next: number } | undefined {
  const header = (frame[at + 12]! >> 4) * 4;
  if (end - at < 20 || header < 20 || at + header > end) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset), flags = frame[at + 13]!, seq = view.getUint32(at + 4);
  const size = end - at - header + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
  return {
    sport: view.getUint16(at), dport: view.getUint16(at + 2), seq, ack: view.getUint32(at + 8), flags,
    next: (seq + size) >>> 0,
  };
}

export const SYN = 2, RST = 4, ACK = 16;
const FIN = 1;

/** Two stations' addresses and ports. */
export interface Ends { src: number; sport: number; dst: number; dport: number }

/**
 * A copy of a TCP segment from and to others. Its sums change as RFC 1624 says, so that a segment that was broken
 * stays so.
 */
export function readdressed({ frame, at }: Packet, to: Ends, dstMac: Uint8Array, srcMac: Uint8Array): Uint8Array {
  const out = frame.slice(), view = new DataView(out.buffer);
  const addresses = out.slice(26, 34), ports = out.slice(at, at + 4);
  out.set(dstMac, 0);
  out.set(srcMac, 6);
  view.setUint32(26, to.src);
  view.setUint32(30, to.dst);
  view.setUint16(at, to.sport);
  view.setUint16(at + 2, to.dport);
  const changed = (place: number, ...pairs: [Uint8Array, Uint8Array][]): void => {
    let s = ~view.getUint16(place) & 0xffff;
    for (const [before, now] of pairs) s = sum(now, 0, now.length, s) + (~sum(before) & 0xffff);
    while (s > 0xffff) s = (s & 0xffff) + (s >>> 16);
    view.setUint16(place, ~s & 0xffff);
  };
  const both: [Uint8Array, Uint8Array] = [addresses, out.slice(26, 34)];
  changed(24, both);
  changed(at + 16, both, [ports, out.slice(at, at + 4)]);
  return out;
}
