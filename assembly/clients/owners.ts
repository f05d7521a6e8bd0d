// What clients have in the stack's tables: timers behind those of listeners, and the place of
// handle 0 among the events, behind all sockets.

import { config } from "../config";
import { DHCP, DHCP6, DNS, IPV6, LINK_LOCAL, MDNS, SNTP } from "../features";
import { listenerBase } from "../tcp/block/demux";
import { Event, eventRaise } from "../core/events";

/** Timers of clients. */
export const CLIENTS: u32 = (DHCP ? 1 : 0) + (DNS ? 1 : 0) + (MDNS ? 1 : 0) + (SNTP ? 1 : 0) + (LINK_LOCAL ? 1 : 0) +
  (DHCP6 ? 1 : 0) + (IPV6 ? 1 : 0);
/** The stack itself, as one that has something to tell. */
export const STACK_PLACES: u32 = DHCP || IPV6 ? 1 : 0;

/** The number of DHCP's timer. */
export function dhcpOwner(): u32 {
  return listenerBase() + config.listenersMax;
}

/** The number of DNS's timer. */
export function dnsOwner(): u32 {
  return dhcpOwner() + 1;
}

/** The number of mDNS's timer. */
export function mdnsOwner(): u32 {
  return dhcpOwner() + 2;
}

/** The number of SNTP's timer. */
export function sntpOwner(): u32 {
  return dhcpOwner() + 1 + (DNS ? 1 : 0) + (MDNS ? 1 : 0);
}

/** The number of the timer of addresses that the host gives itself. */
export function linkLocalOwner(): u32 {
  return sntpOwner() + (SNTP ? 1 : 0);
}

/** The number of DHCPv6's timer. */
export function dhcp6Owner(): u32 {
  return ndOwner() - 1;
}

/** The number of the timer of IPv6's addresses and routers. */
export function ndOwner(): u32 {
  return listenerBase() + config.listenersMax + CLIENTS - 1;
}

/** The place of handle 0. */
export function stackPlace(): u32 {
  return config.connsMax + config.listenersMax + config.udpMax;
}

export function tellStack(bits: Event): void {
  eventRaise(stackPlace(), bits);
}
