/** In which order the addresses of a name are tried: destination address selection (RFC 6724 §6). */
import { isIp6, isLinkLocal, mappedIp, parseIp6 } from "../address6.js";

/** The own address from which packets to a destination leave. */
export interface Source {
  address: string;
  /** Bits of its network's prefix. */
  prefix: number;
  /** It is on its way out (RFC 4862 §5.5.4). */
  deprecated: boolean;
}

/** §2.1, the default policy table: a prefix, its bits, precedence and label; the longest that fits counts. */
const POLICIES = ([
  ["::1", 128, 50, 0], ["::", 96, 1, 3], ["::ffff:0:0", 96, 35, 4], ["2001::", 32, 5, 5], ["2002::", 16, 30, 2],
  ["3ffe::", 16, 1, 12], ["fec0::", 10, 1, 11], ["fc00::", 7, 3, 13], ["::", 0, 40, 1],
] as const).map(([prefix, bits, precedence, label]) => ({ bytes: parseIp6(prefix), bits, precedence, label }));

/** §3.1: scopes of what is on the link alone, of a site (fec0::/10), and of all. */
const LINK = 2, SITE = 5, GLOBAL = 14;
const LOOPBACK = parseIp6("::1"), OF_SITE = parseIp6("fec0::");

/** The bytes of an address; of one of IPv4 those that stand for it in IPv6 (§6). */
function bytesOf(address: string): Uint8Array {
  return parseIp6(isIp6(address) ? address : `::ffff:${address}`);
}

/** How many of the first bits two addresses have in common. */
function commonBits(a: Uint8Array, b: Uint8Array): number {
  const i = a.findIndex((byte, at) => byte !== b[at]);
  return i < 0 ? 8 * a.length : 8 * i + Math.clz32(a[i]! ^ b[i]!) - 24;
}

/** Whether an address is in the network of an own one. */
export function isNear(address: string, own: { address: string; prefix: number }): boolean {
  const bytes = bytesOf(address), bits = own.prefix + (mappedIp(bytes) === undefined ? 0 : 96);
  return commonBits(bytes, bytesOf(own.address)) >= bits;
}

/** §3.1 and §3.2: 169.254/16 and 127/8 are of the link, and all others of IPv4 global. */
function scopeOf(bytes: Uint8Array): number {
  const four = mappedIp(bytes);
  if (four !== undefined) return four >>> 24 === 127 || four >>> 16 === 0xa9fe ? LINK : GLOBAL;
  if (isLinkLocal(bytes) || commonBits(bytes, LOOPBACK) === 128) return LINK;
  return commonBits(bytes, OF_SITE) >= 10 ? SITE : GLOBAL;
}

/** What §6 asks of a destination, in the order of its rules: of two, the first larger number comes first. */
function ranks(to: string, source: Source | undefined): number[] {
  const bytes = bytesOf(to), policy = (of: Uint8Array) => POLICIES.find((p) => commonBits(of, p.bytes) >= p.bits)!;
  const { precedence, label } = policy(bytes), scope = scopeOf(bytes);
  // Rule 1, and what no rule can tell of a destination without a source.
  if (source === undefined) return [0, 0, 0, 0, precedence, -scope, 0];
  const own = bytesOf(source.address), isFour = mappedIp(bytes) !== undefined;
  const bits = source.prefix + (isFour ? 96 : 0), common = Math.min(commonBits(own, bytes), bits);
  return [
    1, Number(scopeOf(own) === scope), Number(!source.deprecated), Number(policy(own).label === label),
    // Rules 4 and 7 are about home addresses and tunnels, of which a stack has none.
    precedence, -scope,
    // Rule 9 may be left out: behind a NAT the first bits of an IPv4 address say nothing but what is on the link.
    isFour ? Number(common === bits) : common,
  ];
}

/**
 * The addresses of a name, the first one to be tried first (RFC 6724 §6). `sourceOf` says from where packets to an
 * address leave; undefined: there is no way.
 */
export function inOrder(addresses: readonly string[], sourceOf: (to: string) => Source | undefined): string[] {
  const ranked = addresses.map((address) => ({ address, ranks: ranks(address, sourceOf(address)) }));
  // What sort leaves equal stays as it was (rule 10).
  ranked.sort((a, b) => {
    const i = a.ranks.findIndex((rank, at) => rank !== b.ranks[at]);
    return i < 0 ? 0 : b.ranks[i]! - a.ranks[i]!;
  });
  return ranked.map(({ address }) => address);
}
