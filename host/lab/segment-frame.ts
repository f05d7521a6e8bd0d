/** A TCP segment made by hand, as an Ethernet frame with right lengths and checksums. */
import { FLAGS, decodeTcp, type FlagName } from "../decode.js";
import { tcp, type Ip } from "../encode.js";

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
/** Flags in the order of FLAGS, as encode.ts has them. */
const LETTERS = "FSRPAUEW";

/** What the frame's IP header says. */
function headerOf(frame: Uint8Array): Ip {
  const v = new DataView(frame.buffer, frame.byteOffset, frame.length);
  return {
    src: v.getUint32(26), dst: v.getUint32(30), srcMac: frame.subarray(6, 12), dstMac: frame.subarray(0, 6),
    tos: frame[15]!, id: v.getUint16(18), frag: v.getUint16(20), ttl: frame[22]!,
  };
}

/** Makes a frame; what `fields` leaves out comes from `like`, a frame with a segment, if there is one. */
export function segmentFrame(fields: SegmentFields, like?: Uint8Array, ends?: Ends): Uint8Array {
  const was = like ? decodeTcp(like) : null, flags = fields.flags ?? was?.flags ?? ["ACK"];
  return tcp(like ? headerOf(like) : { ...ends!, id: 0 }, {
    flags: flags.map((f) => LETTERS[FLAGS.indexOf(f)]!).join(""),
    sport: fields.srcPort ?? was?.srcPort ?? 0,
    dport: fields.dstPort ?? was?.dstPort ?? 0,
    seq: fields.seq ?? was?.seq ?? 0,
    ack: flags.includes("ACK") ? fields.ack ?? was?.ack ?? 0 : 0,
    win: fields.window ?? was?.window ?? 8192,
    // Options stay as they were.
    opts: was && like ? like.slice(ETHERNET + IP + TCP, ETHERNET + IP + (like[ETHERNET + IP + 12]! >> 4) * 4) : [],
    data: fields.text !== undefined ? new TextEncoder().encode(fields.text) : was?.payload ?? new Uint8Array(),
  });
}
