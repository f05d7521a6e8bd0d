// The messages of neighbour discovery (RFC 4861 §4) and of multicast listeners
// (RFC 2710 §3, RFC 3810 §5.2) that we send.

import { MDNS } from "../features";
import { clock } from "../core/clock";
import { random32 } from "../core/random";
import { Ipv4 } from "../wire/ipv4";
import {
  Icmp6, MLD_REPORT, MLD_REPORT_2, NA_OVERRIDE, NA_SOLICITED, ND_ADVERTISEMENT, ND_ROUTER_SOLICITATION, ND_SOLICITATION,
  NdOption, NS_SIZE, RS_SIZE,
} from "../wire/icmp6";
import { NEXT_HOP_BY_HOP, NEXT_ICMP6 } from "../wire/ipv6";
import { Address, At, nameBytes, nameLow, namePut, noName, OWN_MAX, sumBetween } from "../address/names";
import { foldSum, sumBytes } from "../core/checksum";
import { NeighbourEntry } from "../arp/neighbours";
import { count, Mib } from "../core/counters";
import { icmp6End } from "../icmp/icmp6";
import { groups, MDNS_LOW } from "../ip/groups";
import {
  isLinkLocal, LOOPBACK_LOW, nextHop6, Origin, Own, ownAt, OwnAddress, solicitedNode, sourceFor6,
} from "../ip/interface6";
import { ipBegin, ipEnd, ownMac } from "../ip/output";

/** Who asks and answers on the link has this hop limit, so that nobody from beyond a router can (RFC 4861 §11.2). */
export const HOPS: u32 = 255;

/** ff02::1, all nodes; ff02::2, all routers; ff02::16, all routers that know MLDv2. */
const ALL_NODES: u64 = LOOPBACK_LOW;
const ALL_ROUTERS: u64 = 2 << 56;
const ALL_MLD: u64 = 0x16 << 56;

function group(low: u64): Address {
  return namePut(0x02ff, low, At.OTHER);
}

/** Writes a link-layer address option of 8 bytes. Returns where the next one goes. */
function putMac(at: usize, option: NdOption): usize {
  store<u16>(at, <u16>option | 0x100);
  store<u32>(at, bswap<u32>(<u32>(ownMac() >> 16)), 2);
  store<u16>(at, <u16>(bswap<u32>(<u32>ownMac()) >> 16), 6);
  return at + 8;
}

function beginMessage(src: Address, dst: Address, type: u32): Ipv4 | null {
  const ip = ipBegin(src, dst, NEXT_ICMP6, HOPS);
  if (ip == null) return null;
  const icmp = changetype<Icmp6>(changetype<usize>(ip) + Ipv4.SIZE);
  icmp.type = type;
  icmp.code = 0;
  icmp.rest = 0;
  return ip;
}

/**
 * Asks for the neighbour of an entry: all who may be it, or itself, when its address is only renewed, and it is on the
 * link: others make themselves known, too. Returns false: there is no slot.
 */
export function solicit(e: NeighbourEntry, known: bool): bool {
  const src = sourceFor6(e.ip);
  // Without an address of ours yet nobody could answer.
  if (src == 0) return true;
  const ip = beginMessage(src, known && nextHop6(e.ip) == e.ip ? e.ip : solicitedNode(e.ip), ND_SOLICITATION);
  if (ip == null) return false;
  const icmp = changetype<Icmp6>(changetype<usize>(ip) + Ipv4.SIZE);
  memory.copy(icmp.targetAt, nameBytes(e.ip), 16);
  putMac(changetype<usize>(icmp) + NS_SIZE, NdOption.SOURCE_MAC);
  count(Mib.arpOutRequests);
  icmp6End(ip, NS_SIZE + 8);
  return true;
}

/**
 * Asks whether anybody has an address that is to be ours (RFC 4862 §5.4.2), with a number that
 * tells our own question apart (RFC 7527).
 */
export function probe(a: OwnAddress): bool {
  const ip = beginMessage(noName(), solicitedNode(a.name), ND_SOLICITATION);
  if (ip == null) return false;
  const icmp = changetype<Icmp6>(changetype<usize>(ip) + Ipv4.SIZE), option = changetype<usize>(icmp) + NS_SIZE;
  memory.copy(icmp.targetAt, nameBytes(a.name), 16);
  a.nonce = random32();
  store<u32>(option, <u32>NdOption.NONCE | 0x100);
  store<u32>(option, a.nonce, 4);
  count(Mib.arpOutRequests);
  icmp6End(ip, NS_SIZE + 8);
  return true;
}

/** Says that an address is ours: to `dst`, who asked; 0: to all. */
export function advertiseAddress(target: Address, dst: Address): bool {
  const ip = beginMessage(target, dst == 0 ? group(ALL_NODES) : dst, ND_ADVERTISEMENT);
  if (ip == null) return false;
  const icmp = changetype<Icmp6>(changetype<usize>(ip) + Ipv4.SIZE);
  icmp.rest = dst == 0 ? NA_OVERRIDE : NA_OVERRIDE | NA_SOLICITED;
  memory.copy(icmp.targetAt, nameBytes(target), 16);
  putMac(changetype<usize>(icmp) + NS_SIZE, NdOption.TARGET_MAC);
  count(Mib.arpOutReplies);
  icmp6End(ip, NS_SIZE + 8);
  return true;
}

/** Asks for routers (RFC 4861 §6.3.7); before we have an address, from none. */
export function solicitRouters(): bool {
  const dst = group(ALL_ROUTERS), own = sourceFor6(dst),
    ip = beginMessage(own == 0 ? noName() : own, dst, ND_ROUTER_SOLICITATION);
  if (ip == null) return false;
  if (own != 0) putMac(changetype<usize>(ip) + Ipv4.SIZE + RS_SIZE, NdOption.SOURCE_MAC);
  icmp6End(ip, own == 0 ? RS_SIZE : RS_SIZE + 8);
  return true;
}

/** Bytes of a record of a MLDv2 report, without sources. */
const RECORD: u32 = 20;
const IS_EXCLUDE: u32 = 2;
const TO_INCLUDE: u32 = 3;
const TO_EXCLUDE: u32 = 4;

function linkLocalSource(): Address {
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    const a = ownAt(i);
    if (a.state == <u8>Own.VALID && isLinkLocal(a.name)) return a.name;
  }
  // RFC 3590 §3: before there is one, from ::.
  return noName();
}

/**
 * Begins a message about groups: a Hop-by-Hop header with a router alert (RFC 2711) stands before it.
 * Returns where the message goes; 0: no slot.
 */
function beginReport(dst: Address): usize {
  const ip = ipBegin(linkLocalSource(), dst, NEXT_HOP_BY_HOP, 1);
  if (ip == null) return 0;
  const at = changetype<usize>(ip) + Ipv4.SIZE;
  store<u64>(at, <u64>NEXT_ICMP6 | 0x0205 << 16 | <u64>0x0001 << 48);
  return at + 8;
}

function endReport(src: Address, dst: Address, at: usize, size: u32): void {
  const icmp = changetype<Icmp6>(at);
  icmp.checksum = 0;
  icmp.checksum = foldSum(sumBytes(at, size, sumBetween(src, dst, NEXT_ICMP6, size)));
  count(Mib.icmpOutMsgs);
  ipEnd(8 + size);
}

/** The group of an address of ours, as 64 bits behind ff02::/64. */
function groupOf(a: OwnAddress): u64 {
  return (nameLow(a.name) & 0xffffff0000000000) | 0xff01000000;
}

function hasGroup(i: u32): bool {
  const a = ownAt(i);
  return a.state != <u8>Own.FREE && a.origin != <u8>Origin.LOOPBACK;
}

/** Of which groups a report tells. */
export const enum Groups { NEW, ALL }

/** Writes a record of a group, without sources. Returns where the next one goes. */
function putGroup(at: usize, type: u32, low: u64): usize {
  store<u32>(at, type);
  store<u64>(at, 0x02ff, 4);
  store<u64>(at, low, 12);
  return at + RECORD;
}

/** Tells which groups we listen to: those that are new, or, since a router asked, all. */
export function reportGroups(which: Groups): bool {
  const all = which == Groups.ALL;
  const dst = group(ALL_MLD), at = beginReport(dst);
  if (at == 0) return false;
  const icmp = changetype<Icmp6>(at);
  let n: u32 = 0, to = at + Icmp6.SIZE;
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    const a = ownAt(i);
    if (!hasGroup(i) || (!all && !a.report)) continue;
    a.report = false;
    to = putGroup(to, all ? IS_EXCLUDE : TO_EXCLUDE, groupOf(a));
    n++;
  }
  if (MDNS && (all ? groups.joined : groups.report6)) {
    putGroup(to, all ? IS_EXCLUDE : groups.joined ? TO_EXCLUDE : TO_INCLUDE, MDNS_LOW);
    groups.report6 = false;
    n++;
  }
  assert(n <= OWN_MAX + 1);
  icmp.type = MLD_REPORT_2;
  icmp.code = 0;
  icmp.rest = n;
  endReport(linkLocalSource(), dst, at, Icmp6.SIZE + n * RECORD);
  return true;
}

/**
 * The same for a router that knows MLDv1 alone: a report for each group, to the group.
 * What has found no slot goes on from there.
 */
export function reportGroupsSingly(): bool {
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    if (!ownAt(i).reportSingly || !hasGroup(i)) continue;
    if (!reportOne(groupOf(ownAt(i)))) return false;
    ownAt(i).reportSingly = false;
  }
  if (MDNS && groups.reportSingly6) {
    if (groups.joined && !reportOne(MDNS_LOW)) return false;
    groups.reportSingly6 = false;
  }
  return true;
}

function reportOne(low: u64): bool {
  const dst = group(low), at = beginReport(dst);
  if (at == 0) return false;
  const icmp = changetype<Icmp6>(at);
  icmp.type = MLD_REPORT;
  icmp.code = 0;
  icmp.rest = 0;
  memory.copy(icmp.targetAt, nameBytes(dst), 16);
  endReport(linkLocalSource(), dst, at, NS_SIZE);
  return true;
}

/** Now, with up to `ms` more by chance. */
export function soon(ms: u32): u64 {
  return clock.us + <u64>random32() * <u64>ms * 1000 / 0x100000000;
}
