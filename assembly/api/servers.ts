// What calls take as a list of servers.

import { isHost } from "../config";
import { IPV6 } from "../features";
import { Address, isNamed } from "../address/names";
import { isLoopback6, isMulticast6, isUnspecified } from "../ip/interface6";

/** Whether these are IPv4 addresses of hosts, in order: 0 is none, and nothing follows it. */
export function areServers(first: u32, second: u32, third: u32): bool {
  return (first != 0 || second == 0) && (second != 0 || third == 0) && isServer(first) && isServer(second) &&
    isServer(third);
}

/** Whether it is an IPv4 address of a host, or names an IPv6 one. */
export function isServerOfEither(ip: Address): bool {
  return isHost(ip, 32) || (IPV6 && isNamed(ip) && !isMulticast6(ip) && !isUnspecified(ip) && !isLoopback6(ip));
}

function isServer(ip: u32): bool {
  return ip == 0 || isHost(ip, 32);
}
