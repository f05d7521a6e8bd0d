// What neighbours and routers say (RFC 4861 §6.1.2, §6.3.4, §7.1, §7.2, §8), and who asks which groups we listen to
// (RFC 2710, RFC 3810). All of it comes from the link itself: its hop limit was not lowered by a router.

import { config } from "../config";
import { DHCP6, DNS, REDIRECTS, SOURCES, TEMPORARY } from "../features";
import { count, Mib } from "../core/counters";
import { ARP_REPLY, ARP_REQUEST } from "../wire/arp";
import {
  Icmp6, MLD_QUERY, NA_OVERRIDE, NA_ROUTER, NA_SOLICITED, ND_ADVERTISEMENT, ND_REDIRECT, ND_ROUTER_ADVERTISEMENT,
  ND_SOLICITATION, NdOption, NS_SIZE, RA_SIZE, REDIRECT_SIZE,
} from "../wire/icmp6";
import { Ipv6 } from "../wire/ipv6";
import { MAC_REFUSED, MAC_UNKNOWN, neighbourHeard, neighbourKnown, neighbourLearn } from "../arp/neighbours";
import { Address, At, nameFind, nameFor, nameSettled } from "../address/names";
import { in6 } from "../ip/input6";
import {
  interface6, isLinkLocal, isMulticast6, isUnspecified, linkLocalHigh, nextHop6, Own, ownFind, prefixTold, Says,
} from "../ip/interface6";
import { ipResolved } from "../ip/output";
import { ipForget } from "../ip/way";
import { redirectKeep } from "../ip/redirects";
import { workUnblock } from "../tcp/block/tcb";
import {
  addressTaken, groupsAsked, isFormed, isLinkUnknown, linkIsOther, linkIsSame, ownFor, prefixForms, routerHeard,
} from "./configure";
import { mtuFromRouter, prefixNote, resolverIs, routerGone, routerNote, until } from "./routers";
import { advertiseAddress, HOPS } from "./send";

/** Options of one message of neighbour discovery. @full the message is dropped */
const OPTIONS_MAX: u32 = 32;

/** Takes in the message at hand, whose checksum is right. */
export function ndInput(): void {
  const icmp = changetype<Icmp6>(in6.payload), size = in6.size, type = icmp.type;
  if (type == MLD_QUERY) {
    query(icmp, size);
    return;
  }
  // RFC 6980: none of it comes in fragments.
  if (type < ND_ROUTER_ADVERTISEMENT || type > (REDIRECTS ? ND_REDIRECT : ND_ADVERTISEMENT)) {
    count(Mib.icmpInIgnored);
    return;
  }
  const head = REDIRECTS && type == ND_REDIRECT ? REDIRECT_SIZE : type == ND_ROUTER_ADVERTISEMENT ? RA_SIZE : NS_SIZE;
  if (in6.fragmented || changetype<Ipv6>(in6.packet).hopLimit != HOPS || icmp.code != 0 || size < head ||
      !areOptions(in6.payload + head, in6.payload + size)) {
    count(Mib.icmpInErrors);
    return;
  }
  ipForget();
  if (type == ND_SOLICITATION) solicitation(icmp, size);
  else if (type == ND_ADVERTISEMENT) advertisement(icmp, size);
  else if (REDIRECTS && type == ND_REDIRECT) redirect(icmp, size);
  else routerAdvertisement(icmp, size);
}

/** Whether the options have lengths that end where the message does (RFC 4861 §4.6: none is 0). */
function areOptions(at: usize, end: usize): bool {
  let n: u32 = 0;
  while (at < end) {
    const size: usize = at + 2 > end ? 0 : <usize>load<u8>(at, 1) << 3;
    if (size == 0 || at + size > end || n++ == OPTIONS_MAX) return false;
    at += size;
  }
  return true;
}

/** The first option of a kind, of at least `size` bytes; 0: there is none. The options were checked. */
function option(kind: NdOption, at: usize, end: usize, size: usize): usize {
  for (; at < end; at += <usize>load<u8>(at, 1) << 3) {
    if (<u32>load<u8>(at) == <u32>kind && <usize>load<u8>(at, 1) << 3 >= size) return at;
  }
  return 0;
}

/** The MAC address in an option; 0: there is none, or it is a group's. */
function macIn(kind: NdOption, at: usize, end: usize): u64 {
  const o = option(kind, at, end, 8);
  if (o == 0) return 0;
  const mac = <u64>bswap<u32>(load<u32>(o, 2)) << 16 | <u64>(bswap<u32>(load<u16>(o, 6)) >> 16);
  return (mac & 0x010000000000) != 0 ? 0 : mac;
}

/** Whoever is at hand made himself known, as one who asks. */
function learn(mac: u64): void {
  if (mac == 0 || isUnspecified(in6.src)) return;
  if (neighbourLearn(nameSettled(in6.src), mac, ARP_REQUEST)) resolved(in6.src);
}

function resolved(name: Address): void {
  ipResolved(nameSettled(name));
  workUnblock();
}

/** RFC 4861 §7.2.3, RFC 4862 §5.4.3. */
function solicitation(icmp: Icmp6, size: u32): void {
  const options = in6.payload + NS_SIZE, end = in6.payload + size, detects = isUnspecified(in6.src),
    own = ownFor(icmp.targetAt);
  const mac = macIn(NdOption.SOURCE_MAC, options, end);
  // Who looks for an address asks its group, and says nothing of himself.
  if (own == null || (detects && (!isMulticast6(in6.dst) || mac != 0))) {
    count(own == null ? Mib.arpInIgnored : Mib.icmpInErrors);
    return;
  }
  count(Mib.arpInRequests);
  if (own.state == <u8>Own.TENTATIVE) {
    const nonce = option(NdOption.NONCE, options, end, 8);
    // Our own question may come back (RFC 7527 §4.2); else somebody else wants what we want.
    if (detects && (nonce == 0 || load<u32>(nonce, 4) != own.nonce || own.probes == 0)) addressTaken(own);
    return;
  }
  learn(mac);
  advertiseAddress(own.name, detects ? 0 : nameSettled(in6.src));
}

/** RFC 4861 §7.2.5. */
function advertisement(icmp: Icmp6, size: u32): void {
  const flags = icmp.rest, options = in6.payload + NS_SIZE, own = ownFor(icmp.targetAt), name = nameFind(icmp.targetAt);
  if (isMulticast6(in6.dst) && (flags & NA_SOLICITED) != 0) {
    count(Mib.icmpInErrors);
    return;
  }
  count(Mib.arpInReplies);
  if (own != null) {
    if (own.state == <u8>Own.TENTATIVE) addressTaken(own);
    else count(Mib.arpConflicts);
    return;
  }
  // Who has no entry gets none by that.
  const had = name == 0 ? MAC_REFUSED : neighbourKnown(name);
  if (had == MAC_REFUSED) return;
  // An answer to a question to itself may leave its MAC address out: it is as it was.
  let mac = macIn(NdOption.TARGET_MAC, options, in6.payload + size);
  if (mac == 0) mac = had;
  if (mac >= MAC_UNKNOWN) return;
  const other = (flags & NA_OVERRIDE) == 0 && had < MAC_UNKNOWN && had != mac;
  if (!other && (flags & NA_ROUTER) == 0) routerGone(name);
  if (other || (flags & NA_SOLICITED) == 0) neighbourHeard(name, mac);
  else if (neighbourLearn(name, mac, ARP_REPLY)) resolved(name);
}

/** RFC 4861 §6.3.4. */
function routerAdvertisement(icmp: Icmp6, size: u32): void {
  if (!isLinkLocal(in6.src)) {
    count(Mib.icmpInErrors);
    return;
  }
  const at = in6.payload, options = at + RA_SIZE, end = at + size, lifetime = <u32>bswap<u16>(load<u16>(at, 6));
  const hops = <u32>load<u8>(at, 4), preference = (<u32>load<u8>(at, 5) >> 3) & 3;
  // Deviates from RFC 4861 §6.3.4: a smaller one than ours is not believed. With 1, nothing would leave the link.
  if (hops >= config.ttl) interface6.hopLimit = hops;
  // RFC 4861 §6.3.4: what one router says does not end what another one says.
  if (DHCP6) interface6.asks |= load<u8>(at, 5) >> 6;
  // RFC 4861 §6.3.7: who is no router of ours ends no search for one.
  if (lifetime != 0) routerHeard();
  // RFC 4191 §2.2: 01 high, 00 medium, 11 low; what is reserved is medium.
  routerNote(nameSettled(in6.src), preference == 1 ? 0 : preference == 3 ? 2 : 1, until(lifetime));
  learn(macIn(NdOption.SOURCE_MAC, options, end));
  const mtu = option(NdOption.MTU, options, end, 8);
  if (mtu != 0) mtuFromRouter(bswap<u32>(load<u32>(mtu, 4)));
  if (TEMPORARY && isLinkUnknown()) recogniseLink(options, end);
  for (let o = options; o < end; o += <usize>load<u8>(o, 1) << 3) {
    const kind = <u32>load<u8>(o);
    if (kind == <u32>NdOption.PREFIX && load<u8>(o, 1) == 4) prefixInformation(o);
    else if (DNS && kind == <u32>NdOption.RDNSS) serversInformation(o);
  }
}

/**
 * RFC 4861 §8.1, §8.3: the router that packets for a destination go to names another one on the link, or says that the
 * destination itself is there. From anybody else it is nothing.
 */
function redirect(icmp: Icmp6, size: u32): void {
  const target = icmp.targetAt, to = nameFor(icmp.redirectedAt, At.OTHER), hop = nextHop6(to),
    same = memory.compare(target, icmp.redirectedAt, 16) == 0;
  if (!isLinkLocal(in6.src) || isMulticast6(to) || hop == to || hop != nameSettled(in6.src) || ownFor(target) != null ||
      ownFind(to) != null || (!same && (load<u64>(target) & 0xc0ff) != linkLocalHigh())) {
    count(Mib.icmpInErrors);
    return;
  }
  const name = redirectKeep(to, target), mac = macIn(NdOption.TARGET_MAC, in6.payload + REDIRECT_SIZE,
    in6.payload + size);
  if (mac != 0 && neighbourLearn(name, mac, ARP_REQUEST)) ipResolved(name);
  workUnblock();
}

/** RFC 8106 §5.1: a word of eight bytes with the lifetime, then two for each address. */
function serversInformation(o: usize): void {
  const servers = (<u32>load<u8>(o, 1) - 1) >> 1, end = until(bswap<u32>(load<u32>(o, 4)));
  for (let i: u32 = 0; i < servers; i++) resolverIs(o + 8 + (<usize>i << 4), end);
}

/** After a change of the link, the prefixes that a router tells first show whether it is another one. */
function recogniseLink(options: usize, end: usize): void {
  let tells = false;
  for (let o = options; o < end; o += <usize>load<u8>(o, 1) << 3) {
    if (<u32>load<u8>(o) != <u32>NdOption.PREFIX || load<u8>(o, 1) != 4 || !isForming(o)) continue;
    if (isFormed(load<u64>(o, 16))) {
      linkIsSame();
      return;
    }
    // What forms no address says nothing of the link, either (RFC 4862 §5.5.3 (b) to (d)).
    const valid = bswap<u32>(load<u32>(o, 4)), preferred = bswap<u32>(load<u32>(o, 8));
    if (valid != 0 && preferred <= valid && (load<u64>(o, 16) & 0xc0ff) != linkLocalHigh()) tells = true;
  }
  if (tells) linkIsOther();
}

/** Whether addresses are made from the prefix in the option: interface identifiers have 64 bits (RFC 4291 §2.5.1). */
function isForming(o: usize): bool {
  return (load<u8>(o, 3) & 0x40) != 0 && load<u8>(o, 2) == 64;
}

/** RFC 4861 §4.6.2. */
function prefixInformation(o: usize): void {
  const bits = <u32>load<u8>(o, 2), flags = <u32>load<u8>(o, 3), valid = bswap<u32>(load<u32>(o, 4)),
    preferred = bswap<u32>(load<u32>(o, 8));
  const high = load<u64>(o, 16), low = load<u64>(o, 24);
  if ((high & 0xff) == 0xff) return;
  if ((flags & 0x80) != 0) prefixNote(high, low, bits, until(valid), Says.ROUTER);
  if (!isForming(o)) return;
  prefixForms(high, preferred, valid);
  if (SOURCES) prefixTold(high, nameSettled(in6.src));
}

/** RFC 3810 §5.1, §8.2.1: a query of 24 bytes is MLDv1's. */
function query(icmp: Icmp6, size: u32): void {
  if (in6.fragmented || changetype<Ipv6>(in6.packet).hopLimit != 1 || !isLinkLocal(in6.src) ||
      (size != NS_SIZE && size < NS_SIZE + 4)) {
    count(Mib.icmpInErrors);
    return;
  }
  const code = icmp.rest >> 16;
  // From 32,768 on it is a number with an exponent (§5.1.3).
  const ms = size == NS_SIZE || code < 32_768 ? code : ((code & 0xfff) | 0x1000) << (((code >> 12) & 7) + 3);
  groupsAsked(ms, size == NS_SIZE);
}
