/** Which shard a frame is for: the flow's, as receive-side scaling does. */
import {
  ARP_OP, ETHERNET, ETHERTYPE, get, ICMP, IP_AT, IP_FLAG, IPV4, ipv4Size, isArp, PROTOCOL, readArp, SIZE, TAG, TCP,
} from "../headers.js";

/** The frame goes to each of them. */
export const ALL = -1;
/** The frame goes to nobody. */
export const NONE = -2;

/** Where things lie in headers: what is looked at for each frame has no time for `get`. */
const TYPE = ETHERNET.type.byte, TYPE_TAGGED = TYPE + SIZE.tag, SRC = IPV4.src.byte, DST = IPV4.dst.byte;
const FLAGS = IPV4.flags.byte, PROTO = IPV4.protocol.byte, SPORT = TCP.sport.byte, DPORT = TCP.dport.byte;
/** More fragments, or one that is not the first. */
const IN_PARTS = (IP_FLAG.more << IPV4.offset.bits) | ((1 << IPV4.offset.bits) - 1);
/** ICMP messages that quote the datagram that they are about (RFC 792). */
const ERRORS = new Set([3, 4, 5, 11, 12]);

/** Tells which shard a frame is for. */
export class Steer {
  /** `key`: any 32 bits that the network does not know, so that it cannot aim at one shard. */
  constructor(
    /** How many there are. */
    readonly shards: number,
    /** What the choice is keyed with. */
    readonly key: number,
  ) {}

  /** The shard of a flow: the remote address and port, and ours. */
  flow(remoteIp: number, remotePort: number, ip: number, port: number): number {
    let h = this.key ^ remoteIp;
    for (const word of [(remotePort << 16) | port, ip]) {
      h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) ^ word;
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    }
    return ((h ^ (h >>> 16)) >>> 0) % this.shards;
  }

  /**
   * Shard 0 answers what has no flow: ARP requests, echo requests. What neighbours answer is for all of them; so is
   * what they announce.
   */
  frame(f: Uint8Array): number {
    const u16 = (at: number): number => (f[at]! << 8) | f[at + 1]!;
    const u32 = (at: number): number => (u16(at) << 16) | u16(at + 2);
    if (f.length < IP_AT + SIZE.ipv4) return 0;
    const type = u16(TYPE);
    // A priority tag is as good as not there (assembly/stack.ts).
    if (type === ETHERTYPE.vlan && get(f, TYPE, TAG.vlan) === 0 && u16(TYPE_TAGGED) !== ETHERTYPE.vlan)
      return this.frame(Uint8Array.from([...f.subarray(0, TYPE), ...f.subarray(TYPE_TAGGED)]));
    if (type === ETHERTYPE.arp) return this.#arp(f);
    if (type !== ETHERTYPE.ipv4) return 0;
    const header = ipv4Size(f, IP_AT), payload = IP_AT + header, protocol = f[IP_AT + PROTO];
    // The parts of a datagram do not all name its ports. TCP's are never fragmented on the way here: the segments that
    // we invite fit the link.
    if ((u16(IP_AT + FLAGS) & IN_PARTS) !== 0) return protocol === PROTOCOL.tcp ? NONE : 0;
    if (header < SIZE.ipv4 || f.length < payload + SIZE.udp) return 0;
    if (protocol === PROTOCOL.tcp)
      return this.flow(u32(IP_AT + SRC), u16(payload + SPORT), u32(IP_AT + DST), u16(payload + DPORT));
    if (protocol !== PROTOCOL.icmp || !ERRORS.has(get(f, payload, ICMP.type))) return 0;
    // The datagram that it quotes is one that we sent.
    const quoted = payload + SIZE.icmp, ports = quoted + ipv4Size(f, quoted);
    return f.length >= ports + TCP.seq.byte && f[quoted + PROTO] === PROTOCOL.tcp
      ? this.flow(u32(quoted + DST), u16(ports + DPORT), u32(quoted + SRC), u16(ports + SPORT))
      : 0;
  }

  #arp(f: Uint8Array): number {
    if (!isArp(f)) return 0;
    const { op, ip, target } = readArp(f);
    return op === ARP_OP.reply || ip === target ? ALL : 0;
  }
}
