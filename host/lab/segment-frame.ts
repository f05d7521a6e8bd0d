/** A TCP segment made by hand, as an Ethernet frame with right lengths and checksums. */
import { FLAGS, decodeTcp, type FlagName } from "../decode.js";

export interface SegmentFields {
  flags?: FlagName[];
  /** Relative to the initial sequence numbers, unless `absolute`. */
  seq?: number;
  ack?: number;
  absolute?: boolean;
  window?: number;
  text?: string;
  srcPort?: number;
  dstPort?: number;
}

export interface Ends { src: number; dst: number; srcMac: number[]; dstMac: number[] }

const ETHERNET = 14, IP = 20, TCP = 20;

/** Makes a frame; what `fields` leaves out comes from `like`, a frame with a segment, if there is one. */
export function segmentFrame(fields: SegmentFields, like?: Uint8Array, ends?: Ends): Uint8Array {
  const was = like ? decodeTcp(like) : null;
  const payload = fields.text !== undefined ? new TextEncoder().encode(fields.text) : was?.payload ?? new Uint8Array();
  // Options stay as they were.
  const options = was && like ? like.slice(ETHERNET + IP + TCP, ETHERNET + IP + (like[ETHERNET + IP + 12]! >> 4) * 4) : new Uint8Array();
  const header = TCP + options.length, size = IP + header + payload.length, out = new Uint8Array(ETHERNET + size), v = new DataView(out.buffer);
  if (like) out.set(like.subarray(0, ETHERNET + IP));
  else {
    out.set([...ends!.dstMac, ...ends!.srcMac, 8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0]);
    v.setUint32(26, ends!.src);
    v.setUint32(30, ends!.dst);
  }
  v.setUint16(16, size);
  v.setUint16(24, 0);
  v.setUint16(24, fold(v, ETHERNET, ETHERNET + IP, 0));
  const at = ETHERNET + IP, flags = fields.flags ?? was?.flags ?? ["ACK"];
  v.setUint16(at, fields.srcPort ?? was?.srcPort ?? 0);
  v.setUint16(at + 2, fields.dstPort ?? was?.dstPort ?? 0);
  v.setUint32(at + 4, fields.seq ?? was?.seq ?? 0);
  v.setUint32(at + 8, flags.includes("ACK") ? fields.ack ?? was?.ack ?? 0 : 0);
  out[at + 12] = (header / 4) << 4;
  out[at + 13] = flags.reduce((bits, f) => bits | (1 << FLAGS.indexOf(f)), 0);
  v.setUint16(at + 14, fields.window ?? was?.window ?? 8192);
  out.set(options, at + TCP);
  out.set(payload, at + header);
  v.setUint16(at + 16, fold(v, ETHERNET + 12, out.length, 6 + header + payload.length));
  return out;
}

/** The one's complement sum of from…to (RFC 1071), with `sum` to begin with. */
function fold(v: DataView, from: number, to: number, sum: number): number {
  for (let i = from; i < to; i += 2) sum += i + 1 < to ? v.getUint16(i) : v.getUint8(i) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
