// What calls take as a list of servers.

import { isHost } from "../config";

/** Whether these are IPv4 addresses of hosts, in order: 0 is none, and nothing follows it. */
export function areServers(first: u32, second: u32, third: u32): bool {
  return (first != 0 || second == 0) && (second != 0 || third == 0) && isServer(first) && isServer(second) &&
    isServer(third);
}

function isServer(ip: u32): bool {
  return ip == 0 || isHost(ip, 32);
}
