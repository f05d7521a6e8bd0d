// The interface of addresses that the host gives itself.

import { Err } from "../core/error";
import { wake } from "../core/turns";
import { isSelfGiven, linkLocalBegin, linkLocalEnd } from "../clients/link-local";
import { isUp } from "../stack";

/**
 * From now on the interface is to have an address of 169.254/16 when it has no other (RFC 3927): while DHCP runs, once
 * no server answers; else at once. `Event.ADDRESS` of handle 0 tells when it has one, after five seconds or more.
 * `wanted`: one that it had before, which is tried first; 0: none. `set_address` ends it. OK, ARGUMENT or NOT_INIT.
 */
export function link_local_start(wanted: u32): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (wanted != 0 && !isSelfGiven(wanted)) return Err.ARGUMENT;
  wake();
  linkLocalBegin(wanted);
  return Err.OK;
}

/** Ends it. If the interface has such an address, it is taken away. OK or NOT_INIT. */
export function link_local_stop(): Err {
  if (!isUp()) return Err.NOT_INIT;
  wake();
  linkLocalEnd();
  return Err.OK;
}
