// The interface of the resolver: addresses of names.

import { isHost } from "../config";
import { Err } from "../core/error";
import { dnsLookup, Names, names, noteServers, serversGive } from "../clients/dns";
import { isCallers, isUp } from "../stack";

/**
 * The addresses of the name that `size` bytes of text are: writes up to `most` of them, a u32 each, to `dst`. Returns how many there are, 4 at
 * most. AGAIN: it is being asked for; `Event.NAMES` of handle 0 tells when to call again. NOT_FOUND: there is none. NO_IPV4: it may have other
 * addresses. NO_ANSWER: no server answers, or none does well. SIZE: the answer is too long for a datagram. UNREACHABLE: there is no server. FULL, ARGUMENT, NOT_INIT.
 */
export function dns_lookup(name: usize, size: u32, dst: usize, most: u32): i32 {
  if (!isUp()) return Err.NOT_INIT;
  if (!isCallers(name, size) || most > 4 || !isCallers(dst, most << 2)) return Err.ARGUMENT;
  return dnsLookup(name, size, dst, most);
}

/** The servers to ask, in this order; 0: no more. All 0: those that the lease names. What is known is forgotten. OK, ARGUMENT or NOT_INIT. */
export function dns_servers(first: u32, second: u32, third: u32): Err {
  if (!isUp()) return Err.NOT_INIT;
  if ((first == 0 && second != 0) || (second == 0 && third != 0) || !isServer(first) || !isServer(second) || !isServer(third)) return Err.ARGUMENT;
  serversGive(first, second, third);
  return Err.OK;
}

function isServer(ip: u32): bool {
  return ip == 0 || isHost(ip, 32);
}

/** Writes what the resolver did to `dst`: a `Names` (clients/dns.ts). OK, ARGUMENT or NOT_INIT. */
export function dns_info(dst: usize): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!isCallers(dst, offsetof<Names>())) return Err.ARGUMENT;
  noteServers();
  memory.copy(dst, changetype<usize>(names), offsetof<Names>());
  return Err.OK;
}
