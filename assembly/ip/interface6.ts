// What the interface has of IPv6: its addresses, what is on the link, and the routers (RFC 4861 §5.1); which of them a
// packet takes (RFC 6724, RFC 4861 §5.2). Who fills the tables, and times them, is nd/.

import { config } from "../config";
import { LOOPBACK, MDNS, REDIRECTS, SOURCES, SPEED, TEMPORARY } from "../features";
import { clock, Micros, NEVER } from "../core/clock";
import { layoutCommits, take } from "../core/layout";
import { IPV6_MTU_MIN } from "../wire/ipv6";
import {
  Address, At, digest32, nameDrop, nameHigh, nameKeep, nameLow, namePut, namesChange, OWN_MAX, OWN_PLACES,
  RESOLVERS_MAX, ROUTERS_MAX,
} from "../address/names";
import { groups, MDNS_LOW } from "./groups";
import { redirectFor, redirectsInit } from "./redirects";

/** Of an address of ours (RFC 4862 §5.4, §5.5.4). */
export const enum Own {
  FREE,
  /** Duplicate address detection runs. */
  TENTATIVE,
  VALID,
}

/** Where an address of ours comes from. */
export const enum Origin { LOOPBACK, LINK_LOCAL, PREFIX, FIXED, DHCP, TEMPORARY }

/** What the DHCPv6 client is to do: routers say that there are addresses, or other things; somebody has its address. */
export const enum Asks { OTHER = 1, MANAGED = 2, DECLINE = 4 }

@unmanaged export class OwnAddress {
  /** Kept. */
  name: Address;
  /** One of `Own`, of `Origin`. */
  state: u8;
  origin: u8;
  /** Bits of the prefix that it was made from. */
  prefix: u8;
  /** Addresses that were tried for this prefix before, since somebody else had them (RFC 7217 §5, DAD_Counter). */
  tried: u8;
  /** Solicitations that duplicate address detection has sent. */
  probes: u8;
  /** Whether an unsolicited advertisement is due; whether a switch is to hear that we listen to its group. */
  announce: bool;
  report: bool;
  /** Whether a router that knows MLDv1 alone is to hear of its group. */
  reportSingly: bool;
  /** The last probe's nonce (RFC 7527). */
  nonce: u32;
  /** When duplicate address detection goes on. */
  probeAt: Micros;
  /** Until when it is preferred, and valid; NEVER: for ever. */
  preferredUntil: Micros;
  validUntil: Micros;
}

/** Who says that a prefix is on the link. What the host says no router ends. */
export const enum Says { ROUTER, HOST }

/** A prefix that is on the link (RFC 4861 §6.3.4). */
@unmanaged class OnLink {
  high: u64;
  low: u64;
  /** 0: free. */
  until: Micros;
  bits: u32;
  /** One of `Says`. */
  says: u8;
  pad: u8;
  pad2: u16;
}

@unmanaged export class Router {
  /** Kept; 0: free. */
  name: Address;
  /**
   * Who has the least is asked first (RFC 4861 §6.3.6): 0 to 2 for a preference of high, medium or low (RFC 4191
   * §2.2), and 4 for each time that some router had not answered when this one did not, either.
   */
  order: u32;
  until: Micros;
}

/** A DNS server of which a router told (RFC 8106 §5.1). */
@unmanaged export class Resolver {
  /** Kept; 0: free. */
  name: Address;
  pad: u32;
  until: Micros;
}

/** IPv6 prefixes of the link, 2 of them only of the host's. @full one more is not taken */
export const PREFIXES_MAX: u32 = 6;
/** So many places of prefixes and of routers are the host's alone. */
export const HOSTS: u32 = 2;
/** Addresses of ours that are made from routers' prefixes, at most. */
export const FORMED_MAX: u32 = 4;

@unmanaged class Interface6 {
  /** Whether the host wants IPv6. */
  up: bool;
  /** Whether there are other DNS servers than there were: who asks them looks, and puts it back. */
  resolversChanged: bool;
  /** Whether nd/ may have something to send (`configureOutput`). Builds for speed ask first. */
  wanted: bool;
  /** Bits of `Asks`, for the DHCPv6 client. */
  asks: u8;
  /** The link's MTU, as routers say, at most what is configured; and the hop limit of what is sent. */
  mtu: u32;
  hopLimit: u32;
  /** How often a router has not answered. */
  silences: u32;
}

export let interface6: Interface6 = changetype<Interface6>(0);
let owns: usize = 0;
let onLinks: usize = 0;
let routers: usize = 0;
let resolvers: usize = 0;
/** For each address of ours, a byte: bits of the places of routers that told its prefix, and ELSEWHERE. */
let told: usize = 0;

export function interface6Init(): void {
  interface6 = changetype<Interface6>(take(1, offsetof<Interface6>()));
  owns = take(OWN_MAX, offsetof<OwnAddress>());
  onLinks = take(PREFIXES_MAX, offsetof<OnLink>());
  routers = take(ROUTERS_MAX, offsetof<Router>());
  resolvers = take(RESOLVERS_MAX, offsetof<Resolver>());
  if (SOURCES) told = take(OWN_MAX, 1);
  if (REDIRECTS) redirectsInit();
  if (layoutCommits()) interfaceReset();
}

/** No router has said anything yet. */
export function interfaceReset(): void {
  interface6.mtu = config.mtu;
  interface6.hopLimit = config.ttl;
}

export function ownAt(i: u32): OwnAddress {
  return changetype<OwnAddress>(owns + i * offsetof<OwnAddress>());
}

export function onLinkAt(i: u32): OnLink {
  return changetype<OnLink>(onLinks + i * offsetof<OnLink>());
}

export function routerAt(i: u32): Router {
  return changetype<Router>(routers + i * offsetof<Router>());
}

export function resolverAt(i: u32): Resolver {
  return changetype<Resolver>(resolvers + i * offsetof<Resolver>());
}

// Halves of addresses are u64 in memory order: their first byte is the lowest.

const FE80: u64 = 0x80fe;
/** ::1, second half. */
export const LOOPBACK_LOW: u64 = 1 << 56;

/** fe80::/10. */
export function isLinkLocal(name: Address): bool {
  return (nameHigh(name) & 0xc0ff) == FE80;
}

export function isMulticast6(name: Address): bool {
  return (nameHigh(name) & 0xff) == 0xff;
}

export function isUnspecified(name: Address): bool {
  return (nameHigh(name) | nameLow(name)) == 0;
}

export function isLoopback6(name: Address): bool {
  return nameHigh(name) == 0 && nameLow(name) == LOOPBACK_LOW;
}

/** The first bytes of fe80::/64. */
export function linkLocalHigh(): u64 {
  return FE80;
}

/** Until when the same way leads to an address, if nobody says otherwise: prefixes and routers have their time. */
export function wayUntil6(): Micros {
  let until = NEVER;
  for (let i: u32 = 0; i < PREFIXES_MAX; i++) if (onLinkAt(i).until > clock.us) until = min(until, onLinkAt(i).until);
  for (let i: u32 = 0; i < ROUTERS_MAX; i++) if (routerAt(i).until > clock.us) until = min(until, routerAt(i).until);
  return until;
}

/** An address of ours, whatever its state; null: it is not. */
export function ownFind(name: Address): OwnAddress | null {
  if (name == 0) return null;
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    const a = ownAt(i);
    if (a.name == name) return a;
  }
  return null;
}

/** Whether packets for `name` are for us. */
export function isOwn6(name: Address): bool {
  const a = ownFind(name);
  return a != null && a.state == <u8>Own.VALID;
}

/** The address of ours, which can be used, with this `digest32`; 0: there is none. */
export function ownByDigest(digest: u32): Address {
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    const a = ownAt(i);
    if (a.state == <u8>Own.VALID && digest32(a.name) == digest) return a.name;
  }
  return 0;
}

/** A free place for an address of ours, which is kept; null: there is none. */
export function ownAdd(name: Address, origin: Origin): OwnAddress | null {
  // Whoever sends advertisements leaves places to the host.
  const from = origin == Origin.PREFIX ? OWN_PLACES - FORMED_MAX
    : TEMPORARY && origin == Origin.TEMPORARY ? OWN_PLACES : 0;
  const end = TEMPORARY && origin == Origin.TEMPORARY ? OWN_MAX : OWN_PLACES;
  for (let i: u32 = from; i < end; i++) {
    const a = ownAt(i);
    if (a.state != <u8>Own.FREE) continue;
    memory.fill(changetype<usize>(a), 0, offsetof<OwnAddress>());
    a.name = nameKeep(name);
    if (SOURCES) toldPut(a, 0);
    a.origin = <u8>origin;
    a.state = <u8>Own.TENTATIVE;
    if (SPEED) namesChange();
    a.preferredUntil = a.validUntil = u64.MAX_VALUE;
    return a;
  }
  return null;
}

export function ownRemove(a: OwnAddress): void {
  a.state = <u8>Own.FREE;
  if (SPEED) namesChange();
  nameDrop(a.name);
  a.name = 0;
}

/** Whether the first `bits` of two addresses are the same. */
export function isSamePrefix(high: u64, low: u64, otherHigh: u64, otherLow: u64, bits: u32): bool {
  const x = bswap<u64>(high ^ otherHigh), y = bswap<u64>(low ^ otherLow);
  if (bits <= 64) return bits == 0 || x >> (64 - bits) == 0;
  return x == 0 && y >> (128 - bits) == 0;
}

/** How many bits two addresses have in common, of the first 64 (RFC 6724 §2.2). */
function commonBits(a: Address, b: Address): u32 {
  return <u32>clz(bswap<u64>(nameHigh(a) ^ nameHigh(b)));
}

/** Whether a packet for `name` goes to itself, on the link. */
function isOnLink6(name: Address): bool {
  if (isLinkLocal(name) || isMulticast6(name)) return true;
  for (let i: u32 = 0; i < PREFIXES_MAX; i++) {
    const p = onLinkAt(i);
    if (p.until > clock.us && isSamePrefix(p.high, p.low, nameHigh(name), nameLow(name), p.bits)) return true;
  }
  return false;
}

/**
 * The router that is asked first: one that answers, of the highest preference, of these the one that was heard first.
 * If none answers: the one whose silence was noticed first, so that all have their turn. 0: there is none.
 */
export function defaultRouter(): Address {
  let best: Address = 0, order = u32.MAX_VALUE;
  for (let i: u32 = 0; i < ROUTERS_MAX; i++) {
    const r = routerAt(i);
    if (r.name == 0 || r.until <= clock.us || r.order >= order) continue;
    best = r.name;
    order = r.order;
  }
  return best;
}

/**
 * The neighbour to which a packet for `name` goes; 0: there is no way (RFC 4861 §5.2;
 * without a router nothing is assumed, RFC 4943).
 */
export function nextHop6(name: Address): Address {
  if (!interface6.up || isUnspecified(name) || isLoopback6(name)) return 0;
  if (REDIRECTS) {
    const hop = redirectFor(name);
    if (hop != 0) return hop;
  }
  return isOnLink6(name) ? name : defaultRouter();
}

/**
 * RFC 6724 §3.1, of unicast addresses: 2 link-local (and loopback), 5 site-local, 14
 * global; of multicast ones, what they say.
 */
function scopeOf(name: Address): u32 {
  const high = nameHigh(name);
  if (isMulticast6(name)) return <u32>(high >> 8) & 15;
  if (isLinkLocal(name) || isLoopback6(name)) return 2;
  return (high & 0xc0ff) == 0xc0fe ? 5 : 14;
}

/** The label of an address in the default policy table (RFC 6724 §2.1). */
function labelOf(name: Address): u32 {
  const high = nameHigh(name), first = <u32>bswap<u16>(<u16>high);
  if (high == 0) {
    const middle = <u32>nameLow(name);
    // ::ffff:0:0/96, and ::/96 but for ::1.
    if (middle == 0xffff0000) return 4;
    if (middle == 0) return isLoopback6(name) ? 0 : 3;
  }
  if (first == 0x2002) return 2;
  if (<u32>high == 0x0120) return 5;
  if (first >> 9 == 0xfc >> 1) return 13;
  if (first >> 6 == 0xfec0 >> 6) return 11;
  return first == 0x3ffe ? 12 : 1;
}

/** The bit of a router's place; 0: it is none. */
function placeOf(router: Address): u32 {
  for (let i: u32 = 0; i < ROUTERS_MAX; i++) if (router != 0 && routerAt(i).name == router) return 1 << i;
  return 0;
}

/** A bit beside those of routers: the prefix was told on another link, and not on this one since. */
const ELSEWHERE: u32 = 0x80;

/** A router has told the prefix `high`. */
export function prefixTold(high: u64, router: Address): void {
  const place = placeOf(router);
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    const a = ownAt(i);
    if (a.origin != <u8>Origin.PREFIX && a.origin != <u8>Origin.TEMPORARY) continue;
    if (a.state != <u8>Own.FREE && nameHigh(a.name) == high) toldPut(a, toldOf(a) | place);
  }
}

/** Routers that have told the prefix of an address, for `toldPut`. */
export function toldOf(a: OwnAddress): u32 {
  return load<u8>(told + ownIndex(a)) & ~ELSEWHERE;
}

/** They have told that of this address. */
export function toldPut(a: OwnAddress, places: u32): void {
  if (<u32>1 << ROUTERS_MAX > ELSEWHERE) ERROR("a bit for each router, and one more, in a byte");
  assert(ownIndex(a) < OWN_MAX);
  store<u8>(told + ownIndex(a), places);
}

/** What is known of its prefix was told on another link. */
export function toldElsewhere(a: OwnAddress): void {
  toldPut(a, ELSEWHERE);
}

export function isElsewhere(a: OwnAddress): bool {
  return (load<u8>(told + ownIndex(a)) & ELSEWHERE) != 0;
}

/** Who is a router in this one's place later has told nothing yet. */
export function toldForget(router: Address): void {
  const place = placeOf(router);
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    const a = ownAt(i);
    if (!isElsewhere(a)) toldPut(a, toldOf(a) & ~place);
  }
}

/** Which of our addresses it is. */
export function ownIndex(a: OwnAddress): u32 {
  return <u32>(changetype<usize>(a) - owns) / offsetof<OwnAddress>();
}

/**
 * Whether `a` serves better than `b` as the source of a packet for `dst`, which goes by the router in the place `via`:
 * RFC 6724 §5. There is one interface (rule 5), and no home address (rule 4).
 */
function isBetter(a: OwnAddress, b: OwnAddress, dst: Address, via: u32): bool {
  const x = scopeOf(a.name), y = scopeOf(b.name), wanted = scopeOf(dst);
  if (x != y) return x < y ? x >= wanted : y < wanted;
  const stale = a.preferredUntil <= clock.us, other = b.preferredUntil <= clock.us;
  if (stale != other) return other;
  if (SOURCES) {
    // Rule 5.5: one whose prefix that router told, before one whose prefix other routers did.
    const from = toldOf(a), otherFrom = toldOf(b), isNear = (from & via) != 0;
    if (isNear != ((otherFrom & via) != 0) && from != 0 && otherFrom != 0) return isNear;
    // Rule 6.
    const label = labelOf(dst), fits = labelOf(a.name) == label;
    if (fits != (labelOf(b.name) == label)) return fits;
  }
  if (TEMPORARY) {
    const brief = a.origin == <u8>Origin.TEMPORARY;
    if (brief != (b.origin == <u8>Origin.TEMPORARY)) return brief;
  }
  return commonBits(a.name, dst) > commonBits(b.name, dst);
}

/** The address from which we talk to `dst`; 0: we have none that serves. */
export function sourceFor6(dst: Address): Address {
  return sourceAmong(dst, OWN_MAX);
}

/** The same of addresses by which we may be known: temporary ones are not among them. */
export function sourceNamed6(dst: Address): Address {
  return sourceAmong(dst, OWN_PLACES);
}

function sourceAmong(dst: Address, end: u32): Address {
  if (isOwn6(dst)) return dst;
  const via = SOURCES ? placeOf(nextHop6(dst)) : 0;
  let best: OwnAddress | null = null;
  for (let i: u32 = 0; i < end; i++) {
    const a = ownAt(i);
    if (a.state != <u8>Own.VALID || a.origin == <u8>Origin.LOOPBACK) continue;
    if (best == null || isBetter(a, best, dst, via)) best = a;
  }
  return best == null ? 0 : best.name;
}

/** Whether there is a way to `dst`, and an address of ours to go it from. */
export function isReachable6(dst: Address): bool {
  if (isOwn6(dst)) return LOOPBACK && config.loopSlots != 0;
  return nextHop6(dst) != 0 && sourceFor6(dst) != 0;
}

/** The group of those who have addresses that end like this one (RFC 4291 §2.7.1): ff02::1:ffXX:XXXX. */
export function solicitedNode(name: Address): Address {
  return namePut(0x02ff, (nameLow(name) & 0xffffff0000000000) | 0xff01000000, At.OTHER);
}

/** Whether we listen to a group: all nodes' (ff02::1), that of an address of ours, or that of mDNS. */
export function isJoined(high: u64, low: u64): bool {
  if (high != 0x02ff) return false;
  if (low == LOOPBACK_LOW || (MDNS && groups.joined && low == MDNS_LOW)) return true;
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    const a = ownAt(i);
    if (a.state != <u8>Own.FREE && a.origin != <u8>Origin.LOOPBACK &&
        low == ((nameLow(a.name) & 0xffffff0000000000) | 0xff01000000)) return true;
  }
  return false;
}

/** Bytes of an IPv6 packet that the link takes. */
export function mtu6(): u32 {
  return max(interface6.mtu, IPV6_MTU_MIN);
}

