// From which own address the stack talks to somebody: who sorts the addresses of a name asks (RFC 6724 §6).

import { IPV6 } from "../features";
import { isSound } from "../address/names";
import { isReachable, isUnicast, sourceFor } from "../ip/address";
import { isUp } from "../stack";

/**
 * The own address from which packets to `ip` would leave now (RFC 6724 §5): an IPv4 address, or the name of an IPv6
 * one. 0: there is none, no way to `ip`, or that is nobody's alone; or there is no stack.
 */
export function ip_source(ip: u32): u32 {
  const isSomebody = isUp() && (!IPV6 || isSound(ip)) && isUnicast(ip);
  return isSomebody && isReachable(ip) ? sourceFor(ip) : 0;
}
