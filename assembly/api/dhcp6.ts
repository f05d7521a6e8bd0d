// The interface of DHCPv6. Builds that leave it out (assembly/features.ts) have nothing to tell.

import { DHCP6 } from "../features";
import { Err } from "../core/error";
import { wake } from "../core/turns";
import { dhcp6End } from "../nd/dhcp6";
import { Lease6, lease6 } from "../nd/dhcp6-state";
import { borrow, isUp } from "../stack";

/**
 * Writes what the DHCPv6 client did (RFC 8415) to `dst`: a `Lease6` (nd/dhcp6-state.ts). It begins with
 * `ip6_start`, when a router says that there is a server; `ip6_info` tells its address. OK, ARGUMENT (a build without
 * it) or NOT_INIT.
 */
export function dhcp6_info(dst: usize): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!DHCP6 || !borrow(dst, offsetof<Lease6>())) return Err.ARGUMENT;
  memory.copy(dst, changetype<usize>(lease6), offsetof<Lease6>());
  return Err.OK;
}

/**
 * Gives the address back that a DHCPv6 server gave: it is used no more, and the server is told with the next poll.
 * Until `ip6_start` none is asked for. OK or NOT_INIT.
 */
export function dhcp6_stop(): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (DHCP6) {
    wake();
    dhcp6End();
  }
  return Err.OK;
}
