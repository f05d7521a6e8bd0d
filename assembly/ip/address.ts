// Which addresses are ours, which are broadcast, and where a packet goes next (RFC 1122 §3.2.1.3 and §3.3.1).
// An IPv4 address is a u32 in host order; what is asked of the name of an IPv6 address is asked of interface6.ts.

import { config, hostMask, isLinkLocal4, isOnLink } from "../config";
import { DHCP, IPV6, LINK_LOCAL, LOOPBACK, MDNS } from "../features";
import { Address, isName } from "../address/names";
import { isGroup4 } from "./groups";
import {
  isLoopback6, isMulticast6, isOwn6, isReachable6, isUnspecified, mtu6, nextHop6, sourceFor6,
} from "./interface6";

export type Ipv4Address = u32;

export const IP_BROADCAST: Ipv4Address = 0xffffffff;
/** No address: `route` found no way. */
export const NO_ROUTE: Ipv4Address = 0;

export function isLoopback(ip: Address): bool {
  return ip >> 24 == 127 || (IPV6 && isName(ip) && isLoopback6(ip));
}

/** Whether a packet to `ip` never leaves this stack. */
export function isOwn(ip: Address): bool {
  if (IPV6 && isName(ip)) return isOwn6(ip);
  return ip == config.ip || isLoopback(ip);
}

export function isMulticast(ip: Address): bool {
  return ip >> 28 == 14 || (IPV6 && isName(ip) && isMulticast6(ip));
}

/**
 * The interface's address is a part of the configuration that the stack runs on, and nobody else changes it. 0: it has
 * none. Then only a client that looks for one sends and receives.
 */
export function addressSet(ip: Ipv4Address, prefix: u32, gateway: Ipv4Address): void {
  config.ip = ip;
  config.prefix = prefix;
  config.gateway = gateway;
}

/** Whether the interface has an address. */
export function hasAddress(): bool {
  return !DHCP || config.ip != 0;
}

/**
 * An address of many: 255.255.255.255, or the directed broadcast of our subnet (RFC 1122 §3.3.6); /31 and
 * /32 have none (RFC 3021); of IPv6, a group.
 */
export function isBroadcast(ip: Address): bool {
  if (IPV6 && isName(ip)) return isMulticast6(ip);
  if (ip == IP_BROADCAST) return true;
  return config.prefix < 31 && isOnLink(ip) && (ip & hostMask()) == hostMask();
}

/** Whether `ip` may be a peer's: one host's, and not 0/8 or 240/4 (RFC 1122 §3.2.1.3). */
export function isUnicast(ip: Address): bool {
  if (IPV6 && isName(ip)) return !isMulticast6(ip) && !isUnspecified(ip);
  return ip >> 24 != 0 && ip < 0xe0000000 && !isBroadcast(ip);
}

/**
 * The neighbour to which a packet for `dst` goes (dst is not our own): itself, the gateway, or
 * NO_ROUTE. 255.255.255.255 is all on the link, and so are groups.
 */
export function nextHop(dst: Address): Address {
  if (IPV6 && isName(dst)) return nextHop6(dst);
  if (!hasAddress() && dst != IP_BROADCAST) return NO_ROUTE;
  // RFC 3927 §2.6.2: what is to or from such an address never goes to a router.
  if (LINK_LOCAL && (isLinkLocal4(dst) || isLinkLocal4(config.ip))) return dst;
  return isOnLink(dst) || dst == IP_BROADCAST || (MDNS && isGroup4(dst)) ? dst : config.gateway;
}

/** Whether there is a way to `dst`: to ourselves, as far as there are slots for that, or to a neighbour. */
export function isReachable(dst: Address): bool {
  if (IPV6 && isName(dst)) return isReachable6(dst);
  if (!hasAddress() && !isLoopback(dst)) return false;
  return isOwn(dst) ? LOOPBACK && config.loopSlots != 0 : nextHop(dst) != NO_ROUTE;
}

/** The address from which we talk to `dst` (RFC 1122 §3.3.4.3). */
export function sourceFor(dst: Address): Address {
  if (IPV6 && isName(dst)) return sourceFor6(dst);
  return isLoopback(dst) ? dst : config.ip;
}

/**
 * Bytes of a packet to `dst` that the link takes, less what an IPv6 header is longer than an IPv4 one: so 20 bytes of
 * IP header, and 20 of TCP, go off it in either family.
 */
export function mtuTo(dst: Address): u32 {
  return IPV6 && isName(dst) ? mtu6() - HEADER_MORE : config.mtu;
}

/** So much longer is an IPv6 header. */
export const HEADER_MORE: u32 = 20;
