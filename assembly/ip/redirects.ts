// The destination cache (RFC 4861 §5.1), as far as it differs from what prefixes and routers say: destinations whose
// next hop a redirect has named (RFC 4861 §8.3).

import { Address, At, nameDrop, nameFor, nameKeep, REDIRECTS_MAX } from "../address/names";
import { take } from "../core/layout";

@unmanaged class Redirect {
  /** Both kept; 0: free. */
  dst: Address;
  hop: Address;
}

@unmanaged class Redirects {
  /** How many there are, and which one makes room for the next when all are taken. */
  count: u32;
  next: u32;
}

let redirects: Redirects = changetype<Redirects>(0);
let table: usize = 0;

export function redirectsInit(): void {
  redirects = changetype<Redirects>(take(1, offsetof<Redirects>()));
  table = take(REDIRECTS_MAX, offsetof<Redirect>());
}

function at(i: u32): Redirect {
  return changetype<Redirect>(table + i * offsetof<Redirect>());
}

/** The next hop for a destination, if a redirect has named one; else 0. */
export function redirectFor(dst: Address): Address {
  if (redirects.count == 0) return 0;
  for (let i: u32 = 0; i < REDIRECTS_MAX; i++) if (at(i).dst == dst) return at(i).hop;
  return 0;
}

/**
 * Packets for `dst` go to the neighbour with the 16 bytes at `hopAt` from now on; the oldest of too many are forgotten.
 * Returns the neighbour's name.
 */
export function redirectKeep(dst: Address, hopAt: usize): Address {
  let place = at(redirects.next);
  for (let i: u32 = 0; i < REDIRECTS_MAX; i++) if (at(i).dst == dst) place = at(i);
  if (place.dst != dst) redirects.next = (redirects.next + 1) % REDIRECTS_MAX;
  // Who is kept already may be the very address that is kept now.
  const had = place.dst, before = place.hop;
  place.dst = nameKeep(dst);
  place.hop = nameKeep(nameFor(hopAt, At.OTHER));
  if (had == 0) {
    redirects.count++;
  } else {
    nameDrop(had);
    nameDrop(before);
  }
  return place.hop;
}

/** Why a next hop is left: nobody answers there, or he is a router no more, which a destination itself need not be. */
export const enum Left { SILENT, NO_ROUTER }

/** A next hop is left: what went to it goes as prefixes and routers say (RFC 4861 §6.3.5, §7.3.3). */
export function redirectsLeave(hop: Address, why: Left): void {
  if (redirects.count == 0) return;
  for (let i: u32 = 0; i < REDIRECTS_MAX; i++) {
    const r = at(i);
    if (r.dst != 0 && r.hop == hop && (why == Left.SILENT || r.dst != hop)) redirectEnd(r);
  }
}

export function redirectsForget(): void {
  for (let i: u32 = 0; i < REDIRECTS_MAX; i++) if (at(i).dst != 0) redirectEnd(at(i));
}

function redirectEnd(r: Redirect): void {
  nameDrop(r.dst);
  nameDrop(r.hop);
  r.dst = r.hop = 0;
  redirects.count--;
}

/** The names that the i-th entry keeps: for checks. */
export function redirectDst(i: u32): Address {
  return at(i).dst;
}

export function redirectHop(i: u32): Address {
  return at(i).hop;
}
