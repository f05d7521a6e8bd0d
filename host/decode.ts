/** Frames as people see them: Ethernet, ARP, IPv4, IPv6 and TCP headers, read for display. */
import { formatIp } from "./address.js";
import { formatIp6 } from "./address6.js";
import {
  bytesOf, ETHERTYPE, get, IP_AT, IPV4, ipv4Size, IPV6, PROTOCOL, SIZE, TCP, tcpSize, typeOf,
} from "./headers.js";

export type TcpOption =
  | { kind: "mss"; value: number }
  | { kind: "window-scale"; shift: number }
  | { kind: "sack-permitted" }
  | { kind: "sack"; blocks: [number, number][] }
  | { kind: "timestamps"; val: number; ecr: number }
  /** RFC 7413 §4.1.1; no bytes: a request. */
  | { kind: "fast-open"; cookie: Uint8Array }
  | { kind: "nop" }
  | { kind: "unknown"; code: number; length: number };

export interface TcpSegment {
  /** Of IPv4; 0 where the segment came over IPv6. */
  src: number;
  dst: number;
  /** The addresses as texts, of both. */
  source: string;
  destination: string;
  srcPort: number;
  dstPort: number;
  seq: number;
  ack: number;
  flags: FlagName[];
  window: number;
  urgent: number;
  /** The IP header's TOS octet (of IPv6, the traffic class), and of it the ECN field (RFC 3168 §5). */
  tos: number;
  ecn: number;
  ttl: number;
  options: TcpOption[];
  len: number;
  payload: Uint8Array;
}

export const FLAGS = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"] as const;
export type FlagName = (typeof FLAGS)[number];

/** What the Internet layer says of a packet. */
interface Packet {
  /** Where the payload begins, and where it would end if the capture had all of it. */
  at: number;
  end: number;
  protocol: number;
  /** Whether it is a fragment that is not the first. */
  isLater: boolean;
  src: number;
  dst: number;
  source: string;
  destination: string;
  tos: number;
  ttl: number;
}

function decodeIp4(frame: Uint8Array): Packet | null {
  if (frame.length < IP_AT + SIZE.ipv4) return null;
  const of = (name: keyof typeof IPV4): number => get(frame, IP_AT, IPV4[name]);
  const size = ipv4Size(frame, IP_AT), src = of("src"), dst = of("dst");
  if (size < SIZE.ipv4) return null;
  return {
    at: IP_AT + size, end: IP_AT + of("total"), protocol: of("protocol"), isLater: of("offset") !== 0, src, dst,
    source: formatIp(src), destination: formatIp(dst), tos: of("tos"), ttl: of("ttl"),
  };
}

/**
 * Extension headers whose length is in units of 8 bytes beyond the first (RFC 8200 §4, RFC 6275, RFC 7401, RFC 5533).
 */
const EXTENSIONS = new Set([0, 43, 60, 135, 139, 140]);
const FRAGMENT = 44, AUTHENTICATION = 51;

/** Passes over extension headers, up to the end of what there is. */
function decodeIp6(frame: Uint8Array): Packet | null {
  const of = (name: keyof typeof IPV6): number => get(frame, IP_AT, IPV6[name]);
  let at = IP_AT + SIZE.ipv6, protocol = of("next"), isLater = false;
  if (frame.length < at || of("version") !== 6) return null;
  const end = at + of("length"), view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  while (!isLater && (EXTENSIONS.has(protocol) || protocol === FRAGMENT || protocol === AUTHENTICATION)) {
    if (at + 8 > frame.length) return null;
    const units = frame[at + 1]!;
    isLater = protocol === FRAGMENT && view.getUint16(at + 2) >> 3 !== 0;
    const size = protocol === FRAGMENT ? 8 : protocol === AUTHENTICATION ? (units + 2) * 4 : (units + 1) * 8;
    protocol = frame[at]!;
    at += size;
  }
  return {
    at, end, protocol, isLater, src: 0, dst: 0, source: formatIp6(bytesOf(frame, IP_AT, IPV6.src)),
    destination: formatIp6(bytesOf(frame, IP_AT, IPV6.dst)), tos: of("tos"), ttl: of("hops"),
  };
}

function decodeIp(frame: Uint8Array): Packet | null {
  if (frame.length < SIZE.ethernet) return null;
  const type = typeOf(frame);
  return type === ETHERTYPE.ipv4 ? decodeIp4(frame) : type === ETHERTYPE.ipv6 ? decodeIp6(frame) : null;
}

/** The TCP segment in an Ethernet frame, or null: it holds something else, or is cut short. */
export function decodeTcp(frame: Uint8Array): TcpSegment | null {
  const packet = decodeIp(frame);
  if (packet === null || packet.protocol !== PROTOCOL.tcp || packet.isLater) return null;
  const { at, src, dst, source, destination, tos, ttl } = packet, end = Math.min(packet.end, frame.length);
  if (at + SIZE.tcp > end) return null;
  const header = tcpSize(frame, at), of = (name: keyof typeof TCP): number => get(frame, at, TCP[name]);
  if (header < SIZE.tcp || at + header > end) return null;
  const bits = of("flags"), view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  return {
    src, dst, source, destination, tos, ttl, ecn: tos & 3,
    srcPort: of("sport"),
    dstPort: of("dport"),
    seq: of("seq"),
    ack: of("ack"),
    flags: FLAGS.filter((_, i) => bits & (1 << i)),
    window: of("window"),
    urgent: of("urgent"),
    options: decodeOptions(view, at + SIZE.tcp, at + header),
    // Of the segment, also where a capture has kept less of it.
    len: packet.end - at - header,
    payload: frame.subarray(at + header, end),
  };
}

/** Where the TCP header of a frame with one begins. */
export function tcpAt(frame: Uint8Array): number {
  return decodeIp(frame)?.at ?? IP_AT + SIZE.ipv4;
}

const ETHERTYPES: Record<number, string> = {
  0x0806: "ARP", 0x8100: "VLAN-tagged", 0x88a8: "VLAN-tagged", 0x8863: "PPPoE", 0x8864: "PPPoE",
};
const PROTOCOLS: Record<number, string> = { 1: "ICMP", 2: "IGMP", 17: "UDP", 58: "ICMPv6", 59: "empty IPv6" };
/** RFC 4443, RFC 4861, RFC 2710, RFC 3810. */
const ICMP6: Record<number, string> = {
  1: "destination unreachable", 2: "packet too big", 3: "time exceeded", 4: "parameter problem", 128: "echo request",
  129: "echo reply", 130: "multicast listener query", 131: "multicast listener report", 132: "multicast listener done",
  133: "router solicitation", 134: "router advertisement", 135: "neighbour solicitation",
  136: "neighbour advertisement", 137: "redirect", 143: "multicast listener report",
};

/** What a frame is in which `decodeTcp` finds no segment, in a word or two. */
export function otherKind(frame: Uint8Array): string {
  if (frame.length < SIZE.ethernet) return "cut short";
  const type = typeOf(frame), isIp4 = type === ETHERTYPE.ipv4;
  if (!isIp4 && type !== ETHERTYPE.ipv6)
    return ETHERTYPES[type] ?? (type < 1536 ? "802.3" : `of type 0x${type.toString(16).padStart(4, "0")}`);
  const packet = decodeIp(frame);
  if (packet === null) return frame.length < IP_AT + (isIp4 ? SIZE.ipv4 : SIZE.ipv6) ? "cut short" : "damaged IP";
  const { protocol, at } = packet;
  if (packet.isLater && (protocol === PROTOCOL.tcp || !isIp4)) return "later fragments";
  if (protocol === PROTOCOL.tcp) return "damaged TCP";
  if (protocol === 58 && at < frame.length) {
    const kind = ICMP6[frame[at]!];
    return kind === undefined ? "ICMPv6" : `ICMPv6 ${kind}`;
  }
  return PROTOCOLS[protocol] ?? `IP protocol ${protocol}`;
}

function decodeOptions(view: DataView, at: number, end: number): TcpOption[] {
  const out: TcpOption[] = [];
  while (at < end) {
    const kind = view.getUint8(at);
    if (kind === 0) break;
    if (kind === 1) {
      out.push({ kind: "nop" });
      at++;
      continue;
    }
    if (at + 2 > end) break;
    const length = view.getUint8(at + 1);
    if (length < 2 || at + length > end) break;
    if (kind === 2 && length === 4) out.push({ kind: "mss", value: view.getUint16(at + 2) });
    else if (kind === 3 && length === 3) out.push({ kind: "window-scale", shift: view.getUint8(at + 2) });
    else if (kind === 4 && length === 2) out.push({ kind: "sack-permitted" });
    else if (kind === 8 && length === 10) {
      out.push({ kind: "timestamps", val: view.getUint32(at + 2), ecr: view.getUint32(at + 6) });
    } else if (kind === 34 && (length === 2 || length >= 6)) {
      out.push({ kind: "fast-open", cookie: new Uint8Array(view.buffer, view.byteOffset + at + 2, length - 2) });
    } else if (kind === 5 && length >= 10 && (length - 2) % 8 === 0) {
      const blocks: [number, number][] = [];
      for (let b = at + 2; b < at + length; b += 8) blocks.push([view.getUint32(b), view.getUint32(b + 4)]);
      out.push({ kind: "sack", blocks });
    } else out.push({ kind: "unknown", code: kind, length });
    at += length;
  }
  return out;
}

/** Bytes as lower-case digits without spaces: "45000028". */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

/** An option as Wireshark's users know it. */
export function formatOption(option: TcpOption, relative: (seq: number) => number = (s) => s): string {
  switch (option.kind) {
    case "mss": return `MSS=${option.value}`;
    case "window-scale": return `WS=${option.shift} (×${2 ** option.shift})`;
    case "sack-permitted": return "SACK permitted";
    case "sack": return `SACK ${option.blocks.map(([a, b]) => `${relative(a)}–${relative(b)}`).join(" ")}`;
    case "timestamps": return `TSval=${option.val} TSecr=${option.ecr}`;
    case "fast-open": return option.cookie.length === 0 ? "TFO cookie request" : `TFO cookie ${hex(option.cookie)}`;
    case "nop": return "NOP";
    default: return `option ${option.code}`;
  }
}
