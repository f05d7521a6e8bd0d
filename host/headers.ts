/**
 * Where the fields of the headers are: Ethernet (IEEE 802.3), ARP (RFC 826), IPv4 (RFC 791), IPv6 (RFC 8200), ICMP (RFC
 * 792), UDP (RFC 768) and TCP (RFC 9293 §3.1). `encode.ts` and `decode.ts` use them; whoever else reads or changes one
 * field of a frame does so by its name here.
 */

/** A field: its first bit and its first byte, from the header's beginning on, and its bits. */
export interface Field { bit: number; byte: number; bits: number }

/** The fields of a header by their widths in bits, in the order in which the RFC draws them. */
function header<Name extends string>(widths: Record<Name, number>): Record<Name, Field> {
  let bit = 0;
  const fields = {} as Record<Name, Field>;
  for (const [name, bits] of Object.entries<number>(widths)) {
    fields[name as Name] = { bit, byte: bit >> 3, bits };
    bit += bits;
  }
  return fields;
}

export const ETHERNET = header({ dst: 48, src: 48, type: 16 });
/** What stands in the place of Ethernet's type where a frame has a tag (IEEE 802.1Q); then the type follows. */
export const TAG = header({ type: 16, priority: 4, vlan: 12 });
const ARP = header({
  hardware: 16, protocol: 16, hardwareSize: 8, protocolSize: 8, op: 16, senderMac: 48, senderIp: 32, targetMac: 48,
  targetIp: 32,
});
export const IPV4 = header({
  version: 4, ihl: 4, tos: 8, total: 16, id: 16, flags: 3, offset: 13, ttl: 8, protocol: 8, sum: 16, src: 32, dst: 32,
});
export const IPV6 = header({ version: 4, tos: 8, label: 20, length: 16, next: 8, hops: 8, src: 128, dst: 128 });
/** `mtu`: in "fragmentation needed" (RFC 1191 §4). */
export const ICMP = header({ type: 8, code: 8, sum: 16, unused: 16, mtu: 16 });
/** ICMPv6 (RFC 4443): `mtu` in "packet too big", `target` in neighbour discovery (RFC 4861 §4.3, §4.4). */
export const ICMP6 = header({ type: 8, code: 8, sum: 16, mtu: 32, target: 128 });
export const UDP = header({ sport: 16, dport: 16, length: 16, sum: 16 });
export const TCP = header({
  sport: 16, dport: 16, seq: 32, ack: 32, offset: 4, reserved: 4, flags: 8, window: 16, sum: 16, urgent: 16,
});

/** Bytes of the headers, without options; of ARP, of the whole packet. */
export const SIZE = { ethernet: 14, tag: 4, arp: 28, ipv4: 20, ipv6: 40, icmp: 8, udp: 8, tcp: 20, solicitation: 24 };
/** Bytes that an ICMP error quotes of what a packet carries, behind its header (RFC 792). */
export const ICMP_QUOTED = 8;
/** Where the packet in an untagged frame begins. */
export const IP_AT = SIZE.ethernet;

export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, serviceVlan: 0x88a8, ipv6: 0x86dd };
export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 };
export const ARP_OP = { request: 1, reply: 2 };
export const ICMP_TYPE = { unreachable: 3 };
/** Codes of "unreachable". */
export const UNREACHABLE_CODE = { host: 1, port: 3 };
/** Bits of IPv4's flags. */
export const IP_FLAG = { more: 1, dont: 2 };
export const TCP_FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 };

/** The number in a field of the header at `at`; 0 in the place of bytes that are not there. */
export function get(frame: Uint8Array, at: number, { byte, bit, bits }: Field): number {
  const last = bit + bits - 1;
  let n = 0;
  for (let i = byte; i <= last >> 3; i++) n = (n << 8) | (frame[at + i] ?? 0);
  n >>>= 7 - (last & 7);
  return bits === 32 ? n : n & ((1 << bits) - 1);
}

/** Puts a number into a field that has whole bytes. */
export function put(frame: Uint8Array, at: number, { byte, bits }: Field, n: number): void {
  for (let i = bits >> 3, rest = n; i-- > 0; rest >>>= 8) frame[at + byte + i] = rest;
}

/** The bytes of a field that has whole ones: a view. */
export function bytesOf(frame: Uint8Array, at: number, { byte, bits }: Field): Uint8Array {
  return frame.subarray(at + byte, at + byte + (bits >> 3));
}

/** The bytes of the IPv4 header at `at`, as it says itself. */
export const ipv4Size = (frame: Uint8Array, at: number): number => get(frame, at, IPV4.ihl) * 4;
/** The bytes of the TCP header at `at`, as it says itself. */
export const tcpSize = (frame: Uint8Array, at: number): number => get(frame, at, TCP.offset) * 4;
/** What an Ethernet frame carries. */
export const typeOf = (frame: Uint8Array): number => get(frame, 0, ETHERNET.type);

/** Whether a frame holds a whole ARP packet, and of this kind. */
export function isArp(frame: Uint8Array, op?: number): boolean {
  return frame.length >= SIZE.ethernet + SIZE.arp && typeOf(frame) === ETHERTYPE.arp
    && (op === undefined || get(frame, IP_AT, ARP.op) === op);
}

/** Who says something by ARP, and about whom: addresses, and the station's own. */
export function readArp(frame: Uint8Array): { op: number; mac: Uint8Array; ip: number; target: number } {
  return {
    op: get(frame, IP_AT, ARP.op), mac: bytesOf(frame, IP_AT, ARP.senderMac).slice(),
    ip: get(frame, IP_AT, ARP.senderIp), target: get(frame, IP_AT, ARP.targetIp),
  };
}
