// Receiving IPv4: the checks of RFC 1122 §3.2.1. What passes goes to its protocol, by way of stack.ts.

import { config, isLinkLocal4 } from "../config";
import { DHCP, LINK_LOCAL, LOOPBACK, MDNS } from "../features";
import { count, Mib } from "../core/counters";
import { IP_MF, IP_OFFSET_MASK, Ipv4, PROTO_TCP, PROTO_UDP } from "../wire/ipv4";
import { DHCP_CLIENT } from "../wire/dhcp";
import { Udp } from "../wire/udp";
import { isName } from "../address/names";
import { hasAddress, isBroadcast, isLoopback, isMulticast, isOwn, isUnicast } from "./address";
import { isForGroup } from "./groups";

/** How a datagram came: from ourselves, in a frame to us alone, or in one to everybody. */
export const enum Came { LOOPED, UNICAST, BROADCAST }

/** What `ipAccepts` says of a datagram: not for us; for us; for us, with a source route. */
export const enum Accepts { NO, YES, SOURCE_ROUTED }

/**
 * Whether the datagram at `ip`, in a frame with `size` bytes left, is one for us: well-formed, with a good checksum, to
 * our address, a broadcast address or a group of ours, from an address that can be a host's.
 */
export function ipAccepts(ip: Ipv4, size: u32, came: Came): Accepts {
  count(Mib.ipInReceives);
  const fine = ip.isValid(size) && ip.checksumOk ? optionsSay(ip) : Accepts.NO;
  if (fine == Accepts.NO) {
    count(Mib.ipInHdrErrors);
    return Accepts.NO;
  }
  const src = ip.src, dst = ip.dst;
  // Above, what is out of 240/4 would name an IPv6 address.
  if (isName(src) || isName(dst)) {
    count(Mib.ipInAddrErrors);
    return Accepts.NO;
  }
  // What we sent to or from an address of ours that is gone since is nobody's;
  // an answer to it would leave for the wire.
  if (LOOPBACK && came == Came.LOOPED && (!DHCP || (isOwn(dst) && isOwn(src)))) return fine;
  // A datagram on the wire is neither from nor to 127/8 (RFC 1122 §3.2.1.3 (g)), nor from ourselves (LAND).
  if (isLoopback(src) || isLoopback(dst) || !isUnicast(src) || src == config.ip) {
    count(Mib.ipInAddrErrors);
    return Accepts.NO;
  }
  if (!hasAddress()) {
    // RFC 2131 §4.1: a server may send to the address that it offers, which is not ours yet.
    if (mayConfigure(ip)) return fine;
  } else if (isOwn(dst)) {
    // RFC 1122 §3.3.6: a unicast datagram in a broadcast frame is dropped.
    if (came != Came.BROADCAST) return fine;
  } else if (isBroadcast(dst) && !isMulticast(dst)) {
    return fine;
  } else if (MDNS && isForGroup(ip)) {
    return fine;
  } else if (LINK_LOCAL && isLinkLocal4(config.ip) && mayConfigure(ip)) {
    // While the host has none but one that it gave itself, too.
    return fine;
  }
  count(Mib.ipInAddrErrors);
  return Accepts.NO;
}

/**
 * The same in a build for speed, of a datagram in a frame to us alone, if it is a plain one: a whole TCP segment,
 * without IP options. Returns whether it is; else nothing has happened, and `ipAccepts` says more.
 */
export function ipTakePlain(ip: Ipv4, size: u32): bool {
  if (size < Ipv4.SIZE) return false;
  const total = ip.totalSize, src = ip.src, dst = ip.dst;
  if (!ip.isPlain || ip.protocol != PROTO_TCP || total > size || total < Ipv4.SIZE || dst != config.ip ||
      !hasAddress() || isName(src) || !isUnicast(src) || isOwn(src) || !ip.checksumOk) return false;
  count(Mib.ipInReceives);
  return true;
}

/**
 * Whether a datagram is of the kind that a host without an address takes: a whole one, for the port of DHCP's clients.
 */
function mayConfigure(ip: Ipv4): bool {
  const size = ip.totalSize - ip.headerSize;
  return ip.protocol == PROTO_UDP && (ip.fragment & (IP_MF | IP_OFFSET_MASK)) == 0 && size >= Udp.SIZE &&
    changetype<Udp>(changetype<usize>(ip) + ip.headerSize).dstPort == DHCP_CLIENT;
}

/**
 * Walks the options: each has a length that lies within the header (RFC 791 §3.1). What they say is ignored
 * (RFC 1122 §3.2.1.8), but that there is a source route (LSRR 131, SSRR 137).
 */
function optionsSay(ip: Ipv4): Accepts {
  let result = Accepts.YES;
  const end = changetype<usize>(ip) + ip.headerSize;
  for (let at = changetype<usize>(ip) + Ipv4.SIZE; at < end;) {
    const kind = load<u8>(at);
    if (kind == 0) return result;
    if (kind == 131 || kind == 137) result = Accepts.SOURCE_ROUTED;
    // A byte beyond the header is in the slot all the same.
    const size: usize = kind == 1 ? 1 : <usize>load<u8>(at, 1);
    if (size < 2 && kind != 1) return Accepts.NO;
    at += size;
    if (at > end) return Accepts.NO;
  }
  return result;
}
