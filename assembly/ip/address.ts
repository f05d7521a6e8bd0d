// Which addresses are ours, which are broadcast, and where a packet goes next (RFC 1122 §3.2.1.3 and §3.3.1).
// An IPv4 address is a u32 in host order.

import { config, hostMask, isOnLink } from "../config";
import { DHCP, LOOPBACK } from "../features";

export type Ipv4Address = u32;

export const IP_BROADCAST: Ipv4Address = 0xffffffff;
/** No address: `route` found no way. */
export const NO_ROUTE: Ipv4Address = 0;

export function isLoopback(ip: Ipv4Address): bool {
  return ip >> 24 == 127;
}

/** Whether a packet to `ip` never leaves this stack. */
export function isOwn(ip: Ipv4Address): bool {
  return ip == config.ip || isLoopback(ip);
}

export function isMulticast(ip: Ipv4Address): bool {
  return ip >> 28 == 14;
}

/**
 * The interface's address is a part of the configuration that the stack runs on, and nobody else changes it. 0: it has none. Then only a
 * client that looks for one sends and receives.
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

/** 255.255.255.255, or the directed broadcast of our subnet (RFC 1122 §3.3.6); /31 and /32 have none (RFC 3021). */
export function isBroadcast(ip: Ipv4Address): bool {
  if (ip == IP_BROADCAST) return true;
  return config.prefix < 31 && isOnLink(ip) && (ip & hostMask()) == hostMask();
}

/** Whether `ip` may be a peer's: one host's, and not 0/8 or 240/4 (RFC 1122 §3.2.1.3). */
export function isUnicast(ip: Ipv4Address): bool {
  return ip >> 24 != 0 && ip < 0xe0000000 && !isBroadcast(ip);
}

/** The neighbour to which a packet for `dst` goes (dst is not our own): itself, the gateway, or NO_ROUTE. 255.255.255.255 is all on the link. */
export function nextHop(dst: Ipv4Address): Ipv4Address {
  if (!hasAddress() && dst != IP_BROADCAST) return NO_ROUTE;
  return isOnLink(dst) || dst == IP_BROADCAST ? dst : config.gateway;
}

/** Whether there is a way to `dst`: to ourselves, as far as there are slots for that, or to a neighbour. */
export function isReachable(dst: Ipv4Address): bool {
  if (!hasAddress() && !isLoopback(dst)) return false;
  return isOwn(dst) ? LOOPBACK && config.loopSlots != 0 : nextHop(dst) != NO_ROUTE;
}

/** The address from which we talk to `dst` (RFC 1122 §3.3.4.3). */
export function sourceFor(dst: Ipv4Address): Ipv4Address {
  return isLoopback(dst) ? dst : config.ip;
}
