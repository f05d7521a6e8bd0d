/** Frames of a script: the remote side's packets made, the stack's read. Sequence numbers here are live ones. */
import { decodeTcp, type TcpSegment } from "../decode.js";
import { datagram, header6, icmp, ipv4Header, opt, segment, tcp, udp, type Ip } from "../encode.js";
import {
  ETHERTYPE, get, ICMP, ICMP6, ICMP_QUOTED, IP_AT, IPV4, ipv4Size, IPV6, PROTOCOL, put, SIZE, TCP, tcpSize, typeOf, UDP,
} from "../headers.js";
import type { Option } from "./parse.js";
import { frame6, icmp6, type Around, type Six } from "./wire6.js";

export interface Ends {
  remoteMac: number[];
  localMac: number[];
  remoteIp: number;
  localIp: number;
  remotePort: number;
  localPort: number;
  /** Over IPv6; both numbers above are then names of these addresses. */
  six?: Six;
}

/** From the remote side. */
function inbound(ends: Ends, tos = 0, ttl = 64): Ip {
  const { remoteMac: srcMac, localMac: dstMac, remoteIp: src, localIp: dst } = ends;
  return { src, dst, srcMac, dstMac, tos, ttl, frag: 0 };
}

function inbound6({ remoteMac: srcMac, localMac: dstMac }: Ends, six: Six, tos = 0, hops = 64): Around {
  return { srcMac, dstMac, src: six.remote, dst: six.local, tos, hops };
}

/** Options of TCP (RFC 9293 §3.1), with zeros to a multiple of 4 bytes. */
export function optionBytes(options: Option[]): number[] {
  const out = options.flatMap((o): number[] => {
    switch (o.kind) {
      case "mss": return opt.mss(o.value);
      case "wscale": return opt.ws(o.value);
      case "sackOK": return opt.sackOk();
      case "nop": return opt.nop();
      case "eol": return [0];
      case "TS": return opt.ts(o.val, o.ecr);
      case "sack": return opt.sack(...o.blocks);
      case "fastopen": {
        const cookie = (o.cookie ?? "").match(/../g)?.map((x) => parseInt(x, 16)) ?? [];
        return o.experimental ? [254, 4 + cookie.length, 0xf9, 0x89, ...cookie] : opt.fastOpen(cookie);
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
  const what = {
    flags: s.flags, seq: s.seq, ack: s.ack, win: s.win, up: s.urgent, sport: ends.remotePort, dport: ends.localPort,
    opts: optionBytes(s.options), data: new Uint8Array(s.length),
  };
  if (!ends.six) return tcp(inbound(ends, s.tos, s.ttl), what);
  return frame6(inbound6(ends, ends.six, s.tos, s.ttl), PROTOCOL.tcp, segment({ src: 0, dst: 0 }, what));
}

/** A datagram from the remote side, its payload all zeros. */
export function udpFrame(ends: Ends, d: { length: number; tos: number; ttl: number }): Uint8Array {
  const { remotePort, localPort, six } = ends, data = new Uint8Array(d.length);
  if (!six) return udp(inbound(ends, d.tos, d.ttl), remotePort, localPort, data);
  return frame6(inbound6(ends, six, d.tos, d.ttl), PROTOCOL.udp, datagram(remotePort, localPort, data));
}

type Types = Record<string, [number, Record<string, number>]>;

/** ICMP's types and codes as scripts call them. */
const ICMP_TYPES: Types = {
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
/** ICMPv6's (RFC 4443). */
const ICMP6_TYPES: Types = {
  unreachable: [1, {
    net_unreachable: 0, no_route: 0, admin_prohibited: 1, not_neighbour: 2, address_unreachable: 3,
    port_unreachable: 4,
  }],
  packet_too_big: [2, {}], time_exceeded: [3, { exceeded_hop_limit: 0, exceeded_frag_time: 1 }],
  parameter_problem: [4, { header_field: 0, unknown_next_header: 1, unknown_option: 2 }],
  echo_request: [128, {}], echo_reply: [129, {}],
};
const ICMP_ALIASES: Record<string, string> = { destination_unreachable: "unreachable" };
/** The last of ICMPv6's types that a script can name. */
const ECHO_REPLY6 = 129;

/** A type and a code by their names, or as `type_3`, `code_4`; undefined: no such word. `isSix`: of ICMPv6. */
export function icmpNumbers(
  kind: string, code: string, isSix: boolean,
): { type: number | undefined; code: number | undefined } {
  const types = isSix ? ICMP6_TYPES : ICMP_TYPES;
  const number = (word: string, prefix: string): number | undefined => {
    const n = Number(new RegExp(`^${prefix}_(\\d{1,3})$`).exec(word)?.[1]);
    return n <= 255 ? n : undefined;
  };
  const of = (name: string): [number, Record<string, number>] | undefined =>
    (Object.hasOwn(types, name) ? types[name] : undefined);
  const named = of(ICMP_ALIASES[kind] ?? kind), type = named?.[0] ?? number(kind, "type");
  const codes = named?.[1] ?? Object.values(types).find(([t]) => t === type)?.[1] ?? {};
  return { type, code: code === "" ? 0 : Object.hasOwn(codes, code) ? codes[code] : number(code, "code") };
}

/** Of what the stack sent an ICMP message quotes the IP header and 8 bytes (RFC 792; of ICMPv6 here as many). */
export type Quoted = { protocol: "tcp"; seq: number; length: number } | { protocol: "udp"; length: number };

/** An ICMP message from the remote side; about what the stack sent, if it quotes something. */
export function icmpFrame(ends: Ends, m: IcmpMessage): Uint8Array {
  const q: Quoted = m.quoted ?? { protocol: "tcp", seq: 0, length: 0 }, isTcp = q.protocol === "tcp";
  const size = (isTcp ? SIZE.tcp : SIZE.udp) + q.length, proto = isTcp ? PROTOCOL.tcp : PROTOCOL.udp;
  const begin = new Uint8Array(ICMP_QUOTED), { six } = ends;
  // Where TCP and UDP have their ports is the same.
  put(begin, 0, TCP.sport, ends.localPort);
  put(begin, 0, TCP.dport, ends.remotePort);
  if (isTcp) put(begin, 0, TCP.seq, q.seq);
  else put(begin, 0, UDP.length, size);
  if (six) {
    const header = header6(six.local, six.remote, proto, size);
    return icmp6(inbound6(ends, six), m.type, m.code, m.mtu, [...header, ...begin]);
  }
  const ip = ipv4Header({ src: ends.localIp, dst: ends.remoteIp, proto }, size);
  return icmp(inbound(ends), m.type, m.code, m.mtu & 0xffff, [...ip, ...begin]);
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
  if (frame.length < SIZE.ethernet) return null;
  const type = typeOf(frame), isSix = type === ETHERTYPE.ipv6;
  if (!isSix && type !== ETHERTYPE.ipv4) return null;
  if (frame.length < IP_AT + (isSix ? SIZE.ipv6 : SIZE.ipv4) + SIZE.udp) return null;
  const at = IP_AT + (isSix ? SIZE.ipv6 : ipv4Size(frame, IP_AT));
  const protocol = get(frame, IP_AT, isSix ? IPV6.next : IPV4.protocol);
  if (protocol === PROTOCOL.tcp) {
    const sent = decodeTcp(frame);
    return sent ? { kind: "tcp", segment: sent } : null;
  }
  if (protocol === (isSix ? PROTOCOL.icmp6 : PROTOCOL.icmp)) {
    const of = (name: keyof typeof ICMP): number => get(frame, at, ICMP[name]);
    // Neighbour discovery and MLD are the link's.
    if (isSix && of("type") > ECHO_REPLY6) return null;
    const mtu = isSix ? get(frame, at, ICMP6.mtu) : of("mtu"), quoted = decodeQuoted(frame, at + SIZE.icmp);
    return { kind: "icmp", message: { type: of("type"), code: of("code"), mtu, quoted } };
  }
  if (protocol !== PROTOCOL.udp) return null;
  const of = (name: keyof typeof UDP): number => get(frame, at, UDP[name]);
  const payload = frame.subarray(at + SIZE.udp, at + of("length"));
  const tos = get(frame, IP_AT, isSix ? IPV6.tos : IPV4.tos), ttl = get(frame, IP_AT, isSix ? IPV6.hops : IPV4.ttl);
  return { kind: "udp", datagram: { srcPort: of("sport"), dstPort: of("dport"), tos, ttl, payload } };
}

/** The IP header of a quotation: how long it is, what it says of the size behind it, and of what protocol that is. */
function quotedHeader(frame: Uint8Array, at: number): { header: number; size: number; protocol: number } | undefined {
  if (frame.length < at + SIZE.ipv4 + ICMP_QUOTED) return undefined;
  const version = get(frame, at, IPV4.version);
  if (version === 6)
    return { header: SIZE.ipv6, size: get(frame, at, IPV6.length), protocol: get(frame, at, IPV6.next) };
  const header = ipv4Size(frame, at), size = get(frame, at, IPV4.total) - header;
  return version === 4 ? { header, size, protocol: get(frame, at, IPV4.protocol) } : undefined;
}

function decodeQuoted(frame: Uint8Array, at: number): Quoted | undefined {
  const quoted = quotedHeader(frame, at);
  if (!quoted) return undefined;
  const { size, protocol } = quoted, inner = at + quoted.header;
  if (inner + ICMP_QUOTED > frame.length) return undefined;
  if (protocol === PROTOCOL.udp) return { protocol: "udp", length: size - SIZE.udp };
  if (protocol !== PROTOCOL.tcp) return undefined;
  // How long the TCP header was is in the quotation only where it is long enough; else the least is taken.
  const offset = inner + TCP.offset.byte < frame.length ? tcpSize(frame, inner) : SIZE.tcp;
  return { protocol: "tcp", seq: get(frame, inner, TCP.seq), length: size - offset };
}

const LETTERS: [string, string][] = [
  ["FIN", "F"], ["SYN", "S"], ["RST", "R"], ["PSH", "P"], ["ACK", "."], ["URG", "U"], ["ECE", "E"], ["CWR", "W"],
];

/** Flags as scripts write them, in a fixed order; "." is ACK. */
export function letters(s: TcpSegment): string {
  return LETTERS.filter(([name]) => s.flags.includes(name as never)).map(([, l]) => l).join("");
}

export { type TcpSegment };
