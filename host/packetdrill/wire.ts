/** Frames of a script: the remote side's packets made, the stack's read. Sequence numbers here are live ones. */
import { decodeTcp, type TcpSegment } from "../decode.js";
import type { Option } from "./parse.js";

/** Protocol numbers of IPv4, and a flag of its header. */
const ICMP = 1, TCP = 6, UDP = 17, DONT_FRAGMENT = 0x4000;

const BITS: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, ".": 16, U: 32, E: 64, W: 128 };

function be(size: number, n: number): number[] {
  return Array.from({ length: size }, (_, i) => (n >>> (8 * (size - 1 - i))) & 255);
}

function sum(bytes: number[] | Uint8Array, start = 0): number {
  let s = start;
  for (let i = 0; i < bytes.length; i += 2) s += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (s > 0xffff) s = (s & 0xffff) + (s >>> 16);
  return s;
}

export interface Ends {
  remoteMac: number[];
  localMac: number[];
  remoteIp: number;
  localIp: number;
  remotePort: number;
  localPort: number;
}

/** An IPv4 header, its checksum made. */
function ipHeader(
  from: number, to: number, protocol: number, size: number, more: { tos: number; ttl: number; flags: number },
): Uint8Array {
  const header = Uint8Array.from([
    0x45, more.tos, ...be(2, 20 + size), 0, 1, ...be(2, more.flags), more.ttl, protocol, 0, 0,
    ...be(4, from), ...be(4, to),
  ]);
  header.set(be(2, ~sum(header) & 0xffff), 10);
  return header;
}

/** The checksum of UDP and TCP (RFC 9293 §3.1), over what the remote side sends. */
function checksum(ends: Ends, protocol: number, bytes: Uint8Array): number[] {
  const pseudo = sum([...be(4, ends.remoteIp), ...be(4, ends.localIp), 0, protocol, ...be(2, bytes.length)]);
  return be(2, ~sum(bytes, pseudo) & 0xffff);
}

/** An IPv4 frame from the remote side. */
function ipFrame(ends: Ends, protocol: number, payload: Uint8Array, tos = 0, ttl = 64): Uint8Array {
  const header = ipHeader(ends.remoteIp, ends.localIp, protocol, payload.length, { tos, ttl, flags: 0 });
  return Uint8Array.from([...ends.localMac, ...ends.remoteMac, 8, 0, ...header, ...payload]);
}

export function optionBytes(options: Option[]): number[] {
  const out = options.flatMap((o): number[] => {
    switch (o.kind) {
      case "mss": return [2, 4, ...be(2, o.value)];
      case "wscale": return [3, 3, o.value];
      case "sackOK": return [4, 2];
      case "nop": return [1];
      case "eol": return [0];
      case "TS": return [8, 10, ...be(4, o.val), ...be(4, o.ecr)];
      case "sack": return [5, 2 + 8 * o.blocks.length, ...o.blocks.flatMap(([a, b]) => [...be(4, a), ...be(4, b)])];
      case "fastopen": {
        const cookie = (o.cookie ?? "").match(/../g)?.map((x) => parseInt(x, 16)) ?? [];
        return o.experimental ? [254, 4 + cookie.length, 0xf9, 0x89, ...cookie] : [34, 2 + cookie.length, ...cookie];
      }
      default: return [];
    }
  });
  while (out.length % 4) out.push(0);
  return out;
}

/** What the remote side's segment says. Numbers are live ones. */
export interface InboundSegment {
  flags: string;
  seq: number;
  ack: number;
  win: number;
  urgent: number;
  length: number;
  options: Option[];
  tos: number;
  ttl: number;
}

/** A segment from the remote side, its payload all zeros. */
export function tcpFrame(ends: Ends, s: InboundSegment): Uint8Array {
  const opts = optionBytes(s.options);
  const bits = [...s.flags].reduce((n, c) => n | (BITS[c] ?? 0), 0);
  const bytes = Uint8Array.from([
    ...be(2, ends.remotePort), ...be(2, ends.localPort), ...be(4, s.seq), ...be(4, s.ack),
    (5 + opts.length / 4) << 4, bits, ...be(2, s.win), 0, 0, ...be(2, s.urgent), ...opts,
    ...new Array<number>(s.length).fill(0),
  ]);
  bytes.set(checksum(ends, TCP, bytes), 16);
  return ipFrame(ends, TCP, bytes, s.tos, s.ttl);
}

/** A datagram from the remote side, its payload all zeros. */
export function udpFrame(ends: Ends, d: { length: number; tos: number; ttl: number }): Uint8Array {
  const bytes = new Uint8Array(8 + d.length);
  bytes.set([...be(2, ends.remotePort), ...be(2, ends.localPort), ...be(2, 8 + d.length)]);
  bytes.set(checksum(ends, UDP, bytes), 6);
  return ipFrame(ends, UDP, bytes, d.tos, d.ttl);
}

/** ICMP's types and codes as scripts call them. */
const ICMP_TYPES: Record<string, [number, Record<string, number>]> = {
  unreachable: [3, {
    net_unreachable: 0, host_unreachable: 1, protocol_unreachable: 2, port_unreachable: 3, frag_needed: 4,
    source_route_failed: 5, net_unknown: 6, host_unknown: 7, source_host_isolated: 8, net_prohibited: 9,
    host_prohibited: 10, net_unreachable_for_tos: 11,
    host_unreachable_for_tos: 12, packet_filtered: 13, precedence_violation: 14, precedence_cutoff: 15,
  }],
  source_quench: [4, {}], redirect: [5, { net: 0, host: 1, tos_net: 2, tos_host: 3 }],
  time_exceeded: [11, { exc_ttl: 0, ttl_exceeded: 0, exc_fragtime: 1 }], parameter_problem: [12, {}],
  echo_reply: [0, {}], echo_request: [8, {}], timestamp_request: [13, {}], timestamp_reply: [14, {}],
  information_request: [15, {}], information_reply: [16, {}],
};
const ICMP_ALIASES: Record<string, string> = { destination_unreachable: "unreachable" };

/** A type and a code by their names, or as `type_3`, `code_4`; undefined: no such word. */
export function icmpNumbers(kind: string, code: string): { type: number | undefined; code: number | undefined } {
  const number = (word: string, prefix: string): number | undefined => {
    const n = Number(new RegExp(`^${prefix}_(\\d{1,3})$`).exec(word)?.[1]);
    return n <= 255 ? n : undefined;
  };
  const of = (name: string): [number, Record<string, number>] | undefined =>
    (Object.hasOwn(ICMP_TYPES, name) ? ICMP_TYPES[name] : undefined);
  const named = of(ICMP_ALIASES[kind] ?? kind), type = named?.[0] ?? number(kind, "type");
  const codes = named?.[1] ?? Object.values(ICMP_TYPES).find(([t]) => t === type)?.[1] ?? {};
  return { type, code: code === "" ? 0 : Object.hasOwn(codes, code) ? codes[code] : number(code, "code") };
}

/** Of what the stack sent an ICMP message quotes the IP header and 8 bytes (RFC 792). */
export type Quoted = { protocol: "tcp"; seq: number; length: number } | { protocol: "udp"; length: number };

/** An ICMP message from the remote side; about what the stack sent, if it quotes something. */
export function icmpFrame(ends: Ends, m: IcmpMessage): Uint8Array {
  const q: Quoted = m.quoted ?? { protocol: "tcp", seq: 0, length: 0 }, isTcp = q.protocol === "tcp";
  const size = (isTcp ? 20 : 8) + q.length;
  const ip = ipHeader(ends.localIp, ends.remoteIp, isTcp ? TCP : UDP, size, { tos: 0, ttl: 64, flags: DONT_FRAGMENT });
  const rest = isTcp ? be(4, q.seq) : [...be(2, size), 0, 0];
  const ports = [...be(2, ends.localPort), ...be(2, ends.remotePort)];
  const bytes = Uint8Array.from([m.type, m.code, 0, 0, 0, 0, ...be(2, m.mtu), ...ip, ...ports, ...rest]);
  bytes.set(be(2, ~sum(bytes) & 0xffff), 2);
  return ipFrame(ends, ICMP, bytes);
}

/** A UDP datagram that the stack sent. */
export interface UdpDatagram {
  srcPort: number;
  dstPort: number;
  tos: number;
  ttl: number;
  payload: Uint8Array;
}

/** An ICMP message; `quoted` is the packet that it is about, of its receiver's. */
export interface IcmpMessage {
  type: number;
  code: number;
  mtu: number;
  quoted: Quoted | undefined;
}

export type Sent =
  | { kind: "tcp"; segment: TcpSegment }
  | { kind: "udp"; datagram: UdpDatagram }
  | { kind: "icmp"; message: IcmpMessage };

/** What the stack's frame holds; null: nothing that a script can name. */
export function decodeSent(frame: Uint8Array): Sent | null {
  if (frame.length < 42 || frame[12] !== 8 || frame[13] !== 0) return null;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length), at = 14 + (frame[14]! & 15) * 4;
  if (frame[23] === TCP) {
    const segment = decodeTcp(frame);
    return segment ? { kind: "tcp", segment } : null;
  }
  if (frame[23] === ICMP) {
    const quoted = decodeQuoted(view, at + 8);
    return { kind: "icmp", message: { type: frame[at]!, code: frame[at + 1]!, mtu: view.getUint16(at + 6), quoted } };
  }
  if (frame[23] !== UDP) return null;
  const payload = frame.subarray(at + 8, at + view.getUint16(at + 4));
  return {
    kind: "udp",
    datagram: {
      srcPort: view.getUint16(at), dstPort: view.getUint16(at + 2), tos: frame[15]!, ttl: frame[22]!, payload,
    },
  };
}

function decodeQuoted(view: DataView, at: number): Quoted | undefined {
  if (view.byteLength < at + 28 || view.getUint8(at) >> 4 !== 4) return undefined;
  const header = (view.getUint8(at) & 15) * 4, size = view.getUint16(at + 2) - header, protocol = view.getUint8(at + 9);
  const inner = at + header;
  if (inner + 8 > view.byteLength) return undefined;
  if (protocol === UDP) return { protocol: "udp", length: size - 8 };
  if (protocol !== TCP) return undefined;
  // How long the TCP header was is in the quotation only where it is long enough; else the least is taken.
  const offset = inner + 13 <= view.byteLength ? (view.getUint8(inner + 12) >> 4) * 4 : 20;
  return { protocol: "tcp", seq: view.getUint32(inner + 4), length: size - offset };
}

const LETTERS: [string, string][] = [
  ["FIN", "F"], ["SYN", "S"], ["RST", "R"], ["PSH", "P"], ["ACK", "."], ["URG", "U"], ["ECE", "E"], ["CWR", "W"],
];

export function letters(s: TcpSegment): string {
  return LETTERS.filter(([name]) => s.flags.includes(name as never)).map(([, l]) => l).join("");
}

export { decodeTcp, type TcpSegment };
