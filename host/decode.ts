/** Frames as people see them: Ethernet, ARP, IPv4 and TCP headers, read for display. */

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
  src: number;
  dst: number;
  srcPort: number;
  dstPort: number;
  seq: number;
  ack: number;
  flags: FlagName[];
  window: number;
  urgent: number;
  /** The IP header's TOS octet, and of it the ECN field (RFC 3168 §5). */
  tos: number;
  ecn: number;
  ttl: number;
  options: TcpOption[];
  len: number;
  payload: Uint8Array;
}

export const FLAGS = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"] as const;
export type FlagName = (typeof FLAGS)[number];

/** The TCP segment in an Ethernet frame, or null: it holds something else, or is cut short. */
export function decodeTcp(frame: Uint8Array): TcpSegment | null {
  if (frame.length < 34 || frame[12] !== 8 || frame[13] !== 0 || frame[23] !== 6) return null;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const ihl = (frame[14]! & 15) * 4, total = view.getUint16(16);
  const at = 14 + ihl, end = Math.min(14 + total, frame.length);
  if (ihl < 20 || at + 20 > end || (view.getUint16(20) & 0x1fff) !== 0) return null;
  const header = (frame[at + 12]! >> 4) * 4;
  if (header < 20 || at + header > end) return null;
  const bits = frame[at + 13]!;
  const payload = frame.subarray(at + header, end);
  return {
    src: view.getUint32(26),
    dst: view.getUint32(30),
    srcPort: view.getUint16(at),
    dstPort: view.getUint16(at + 2),
    seq: view.getUint32(at + 4),
    ack: view.getUint32(at + 8),
    flags: FLAGS.filter((_, i) => bits & (1 << i)),
    window: view.getUint16(at + 14),
    tos: frame[15]!,
    ecn: frame[15]! & 3,
    ttl: frame[22]!,
    urgent: view.getUint16(at + 18),
    options: decodeOptions(view, at + 20, at + header),
    // Of the segment, also where a capture has kept less of it.
    len: 14 + total - at - header,
    payload,
  };
}

const ETHERTYPES: Record<number, string> = {
  0x0806: "ARP", 0x86dd: "IPv6", 0x8100: "VLAN-tagged", 0x88a8: "VLAN-tagged", 0x8863: "PPPoE", 0x8864: "PPPoE",
};
const PROTOCOLS: Record<number, string> = { 1: "ICMP", 2: "IGMP", 17: "UDP" };

/** What a frame is in which `decodeTcp` finds no segment, in a word or two. */
export function otherKind(frame: Uint8Array): string {
  if (frame.length < 14) return "cut short";
  const type = (frame[12]! << 8) | frame[13]!;
  if (type !== 0x0800) return ETHERTYPES[type] ?? (type < 1536 ? "802.3" : `of type 0x${type.toString(16).padStart(4, "0")}`);
  if (frame.length < 34) return "cut short";
  const protocol = frame[23]!;
  if (protocol !== 6) return PROTOCOLS[protocol] ?? `IP protocol ${protocol}`;
  return ((frame[20]! << 8) | frame[21]!) & 0x1fff ? "later fragments" : "damaged TCP";
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
    else if (kind === 8 && length === 10) out.push({ kind: "timestamps", val: view.getUint32(at + 2), ecr: view.getUint32(at + 6) });
    else if (kind === 34 && (length === 2 || length >= 6)) out.push({ kind: "fast-open", cookie: new Uint8Array(view.buffer, view.byteOffset + at + 2, length - 2) });
    else if (kind === 5 && length >= 10 && (length - 2) % 8 === 0) {
      const blocks: [number, number][] = [];
      for (let b = at + 2; b < at + length; b += 8) blocks.push([view.getUint32(b), view.getUint32(b + 4)]);
      out.push({ kind: "sack", blocks });
    } else out.push({ kind: "unknown", code: kind, length });
    at += length;
  }
  return out;
}

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
