// The interface of the resolver: addresses of names.

import { config } from "../config";
import { IPV6 } from "../features";
import { Err } from "../core/error";
import { wake } from "../core/turns";
import { TYPE_A, TYPE_AAAA } from "../wire/dns";
import { dnsLookup, Names, names, noteServers, serverAdd, serversGive } from "../clients/dns";
import { DHCP_MTU } from "../clients/dhcp-message";
import { local, LocalName, LocalState, mdnsBegin, mdnsEnd } from "../clients/mdns";
import { isLabel, ownNameText } from "../clients/mdns-records";
import { borrow, isUp } from "../stack";
import { areServers, isServerOfEither } from "./servers";

/**
 * The addresses of the name that `size` bytes of text are: writes up to `most` of them, a u32 each, to `dst`. Returns
 * how many there are, 4 at most. AGAIN: it is being asked for; `Event.NAMES` of handle 0 tells when to call again.
 * NOT_FOUND: there is none. NO_IPV4: it may have other addresses. NO_ANSWER: no server answers, or none does well.
 * SIZE: the answer is too long for a datagram, and could not be had over TCP. UNREACHABLE: there is no server. FULL,
 * ARGUMENT, NOT_INIT. A name in .local is asked for on the link, and of no server (RFC 6762).
 */
export function dns_lookup(name: usize, size: u32, dst: usize, most: u32): i32 {
  if (!isUp()) return Err.NOT_INIT;
  if (!borrow(name, size) || most > 4 || !borrow(dst, most << 2)) return Err.ARGUMENT;
  wake();
  return dnsLookup(name, size, TYPE_A, dst, most);
}

/**
 * The same of IPv6 addresses: 16 bytes each, as they stand in a packet. NO_IPV6 in the place of NO_IPV4. A build
 * without IPv6 has none to tell: ARGUMENT.
 */
export function dns_lookup6(name: usize, size: u32, dst: usize, most: u32): i32 {
  if (!isUp()) return Err.NOT_INIT;
  if (!IPV6 || !borrow(name, size) || most > 4 || !borrow(dst, most << 4)) return Err.ARGUMENT;
  wake();
  return dnsLookup(name, size, TYPE_AAAA, dst, most);
}

/**
 * The servers to ask, in this order, IPv4 addresses (`dns_server_add` takes those of IPv6); 0: no more.
 * All 0: those that the lease names, and behind them those of which routers tell (RFC 8106). What is
 * known is forgotten. OK, ARGUMENT or NOT_INIT.
 */
export function dns_servers(first: u32, second: u32, third: u32): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!areServers(first, second, third)) return Err.ARGUMENT;
  wake();
  serversGive(first, second, third);
  return Err.OK;
}

/**
 * One more server to ask, behind those of `dns_servers`: an IPv4 address, or the name of an IPv6 one (`ip6_name`). What
 * is known is forgotten. OK, ARGUMENT, NOT_INIT; FULL: there are three.
 */
export function dns_server_add(server: u32): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!isServerOfEither(server)) return Err.ARGUMENT;
  wake();
  return serverAdd(server) ? Err.OK : Err.FULL;
}

/** Writes what the resolver did to `dst`: a `Names` (clients/dns.ts). OK, ARGUMENT or NOT_INIT. */
export function dns_info(dst: usize): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!borrow(dst, offsetof<Names>())) return Err.ARGUMENT;
  noteServers();
  memory.copy(dst, changetype<usize>(names), offsetof<Names>());
  return Err.OK;
}

/**
 * The host is to be reachable by this name in .local (RFC 6762): `size` bytes of text, 63 at most, letters, digits and
 * hyphens, without ".local". While somebody else has it, another name is taken, with a number behind it. `Event.NAME`
 * of handle 0 tells when it is settled, about a second after there is an address, and again when it changes. OK,
 * ARGUMENT, NOT_INIT; STATE: there is a name; SIZE: the link's MTU is below 576.
 */
export function mdns_start(name: usize, size: u32): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!borrow(name, size) || !isLabel(name, size)) return Err.ARGUMENT;
  if (config.mtu < DHCP_MTU) return Err.SIZE;
  if (local.state != LocalState.OFF) return Err.STATE;
  wake();
  mdnsBegin(name, size);
  return Err.OK;
}

/** Ends it. With the next poll others are told that the name is nobody's any more. OK or NOT_INIT. */
export function mdns_stop(): Err {
  if (!isUp()) return Err.NOT_INIT;
  wake();
  mdnsEnd();
  return Err.OK;
}

/** Writes what is known of the own name to `dst`: a `LocalName` (clients/mdns.ts). OK, ARGUMENT or NOT_INIT. */
export function mdns_info(dst: usize): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!borrow(dst, offsetof<LocalName>())) return Err.ARGUMENT;
  memory.copy(dst, changetype<usize>(local), offsetof<LocalName>());
  return Err.OK;
}

/**
 * Writes up to `size` bytes of the own name, which ends in ".local", to `dst`; it is settled when `mdns_info` says so.
 * Returns how long it is, 0 if none was given, ARGUMENT or NOT_INIT.
 */
export function mdns_name(dst: usize, size: u32): i32 {
  if (!isUp()) return Err.NOT_INIT;
  if (!borrow(dst, size)) return Err.ARGUMENT;
  return <i32>ownNameText(dst, size);
}
