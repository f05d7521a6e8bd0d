/** Which shard a frame is for: the flow's, as receive-side scaling does. */

/** The frame goes to each of them. */
export const ALL = -1;
/** The frame goes to nobody. */
export const NONE = -2;

const ETHERTYPE_ARP = 0x0806, ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_TAG = 0x8100, ARP_REPLY = 2, ICMP = 1, TCP = 6;
const UDP = 17;
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
    if (f.length < 34) return 0;
    // A priority tag is as good as not there (assembly/stack.ts).
    if (u16(12) === ETHERTYPE_TAG && (u16(14) & 0xfff) === 0 && u16(16) !== ETHERTYPE_TAG)
      return this.frame(Uint8Array.from([...f.subarray(0, 12), ...f.subarray(16)]));
    if (u16(12) === ETHERTYPE_ARP) return f.length >= 42 && (u16(20) === ARP_REPLY || u32(28) === u32(38)) ? ALL : 0;
    if (u16(12) !== ETHERTYPE_IPV4) return 0;
    const header = (f[14]! & 15) * 4, payload = 14 + header;
    // The parts of a datagram do not all name its ports. TCP's are never fragmented on the way here: the segments that
    // we invite fit the link.
    if ((u16(20) & 0x3fff) !== 0) return f[23] === TCP ? NONE : 0;
    if (header < 20 || f.length < payload + 8) return 0;
    if (f[23] === TCP) return this.flow(u32(26), u16(payload), u32(30), u16(payload + 2));
    if (f[23] === UDP) return 0;
    if (f[23] !== ICMP || !ERRORS.has(f[payload]!)) return 0;
    // The datagram that it quotes is one that we sent.
    const quoted = payload + 8, ports = quoted + (f[quoted]! & 15) * 4;
    return f.length >= ports + 4 && f[quoted + 9] === TCP
      ? this.flow(u32(quoted + 16), u16(ports + 2), u32(quoted + 12), u16(ports))
      : 0;
  }
}
