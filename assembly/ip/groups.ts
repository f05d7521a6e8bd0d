// The groups of mDNS (RFC 6762 §3): 224.0.0.251 and ff02::fb. Whether we are in them; who tells routers and switches
// is clients/igmp.ts for the one, nd/send.ts for the other.

import { take } from "../core/layout";
import { IPV6 } from "../features";
import { Address, isName, nameHigh, nameLow } from "../address/names";
import { MAC_GROUP4 } from "../wire/ethernet";
import { IP_MF, IP_OFFSET_MASK, Ipv4, PROTO_IGMP, PROTO_UDP } from "../wire/ipv4";

export const MDNS_GROUP: u32 = 0xe00000fb;
/** The second half of ff02::fb, in memory order. */
export const MDNS_LOW: u64 = 0xfb << 56;
/** All systems on the link: there routers ask who is in which group. */
const ALL_SYSTEMS: u32 = 0xe0000001;

@unmanaged class Groups {
  joined: bool;
  /** Whether the IPv6 routers are to hear that this has changed; whether one that knows MLDv1 alone asked. */
  report6: bool;
  reportSingly6: bool;
  /** Whether a socket has the port of mDNS: its owner hears what is to the group, and may send there. */
  wanted: bool;
}

export let groups: Groups = changetype<Groups>(0);

export function groupsInit(): void {
  groups = changetype<Groups>(take(1, offsetof<Groups>()));
}

/** An IPv4 address of a group. What goes there goes to all who are in it on the link, whatever our prefix. */
export function isGroup4(ip: u32): bool {
  return ip >> 28 == 14;
}

/** Whether an address is that of the group of mDNS. */
export function isMdnsGroup(ip: Address): bool {
  return IPV6 && isName(ip) ? nameHigh(ip) == 0x02ff && nameLow(ip) == MDNS_LOW : ip == MDNS_GROUP;
}

/** The MAC address that an IPv4 group has. */
export function groupMac4(ip: u32): u64 {
  return MAC_GROUP4 | <u64>(ip & 0x7fffff);
}

/** Whether a frame to this MAC address may be for an IPv4 group that we are in. */
export function isGroupMac(mac: u64): bool {
  return groups.joined && (mac == groupMac4(MDNS_GROUP) || mac == groupMac4(ALL_SYSTEMS));
}

/**
 * Whether a datagram to a group is for us: a message of mDNS, or what a router asks. What came in fragments is not:
 * when one is missing, nobody may be told (RFC 1122 §3.2.2).
 */
export function isForGroup(ip: Ipv4): bool {
  if (!groups.joined || (ip.fragment & (IP_MF | IP_OFFSET_MASK)) != 0) return false;
  if (ip.dst == MDNS_GROUP) return ip.protocol == PROTO_UDP || ip.protocol == PROTO_IGMP;
  return ip.dst == ALL_SYSTEMS && ip.protocol == PROTO_IGMP;
}
