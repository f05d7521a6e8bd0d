// The interface of temporary addresses. Builds that leave them out (assembly/features.ts) have none.

import { TEMPORARY } from "../features";
import { Err } from "../core/error";
import { wake } from "../core/turns";
import { temporariesBegin, temporariesEnd } from "../nd/configure";
import { isUp } from "../stack";

/**
 * Whether the interface has temporary addresses (RFC 8981), beside those that it makes from routers' prefixes. With
 * `wanted` 1 each prefix has one, which lasts a day at most before the next one takes its place, and connections are
 * opened from it. With 0, as at the start, there are none; those that there are go, and their connections end with
 * NO_ADDRESS. OK, NOT_INIT; ARGUMENT: neither 0 nor 1, or a build without them.
 */
export function ip6_temporary(wanted: u32): Err {
  if (!isUp()) return Err.NOT_INIT;
  if (!TEMPORARY || wanted > 1) return Err.ARGUMENT;
  wake();
  if (wanted != 0) temporariesBegin();
  else temporariesEnd();
  return Err.OK;
}
