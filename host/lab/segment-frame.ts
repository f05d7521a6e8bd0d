/** A TCP segment made by hand, as an Ethernet frame with right lengths and checksums. */
import { FLAGS, decodeTcp, type FlagName } from "../decode.js";
import { opt, tcp, type Ip } from "../encode.js";
import { bytesOf, ETHERNET, get, IP_AT, IPV4, SIZE, tcpSize } from "../headers.js";

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

/** Of a packet without IP options. */
const TCP_AT = IP_AT + SIZE.ipv4;
/** Flags in the order of FLAGS, as encode.ts has them. */
const LETTERS = "FSRPAUEW";

/** What the frame's IP header says. */
function headerOf(frame: Uint8Array): Ip {
  const of = (name: keyof typeof IPV4): number => get(frame, IP_AT, IPV4[name]);
  return {
    src: of("src"), dst: of("dst"), srcMac: bytesOf(frame, 0, ETHERNET.src), dstMac: bytesOf(frame, 0, ETHERNET.dst),
    tos: of("tos"), id: of("id"), frag: (of("flags") << IPV4.offset.bits) | of("offset"), ttl: of("ttl"),
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
    opts: was && like ? like.slice(TCP_AT + SIZE.tcp, TCP_AT + tcpSize(like, TCP_AT)) : [],
    data: fields.text !== undefined ? new TextEncoder().encode(fields.text) : was?.payload ?? new Uint8Array(),
  });
}

/** The ACK that a SYN-ACK asks for, as if the other end had sent it at once. */
export function thirdOf(synAck: Uint8Array): Uint8Array {
  const t = decodeTcp(synAck)!, { src, dst, srcMac, dstMac } = headerOf(synAck);
  const stamps = t.options.find((o) => o.kind === "timestamps");
  return tcp({ src: dst, dst: src, srcMac: dstMac, dstMac: srcMac, id: 0 }, {
    flags: "A", sport: t.dstPort, dport: t.srcPort, seq: t.ack, ack: (t.seq + 1) >>> 0, win: 8192,
    opts: stamps ? [...opt.nop(), ...opt.nop(), ...opt.ts(stamps.ecr, stamps.val)] : [],
  });
}
