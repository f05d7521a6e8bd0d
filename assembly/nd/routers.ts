// What routers say of the link (RFC 4861 §6.3.4): who is one, which prefixes are on it, its MTU; and when that ends.

import { config } from "../config";
import { REDIRECTS, SOURCES } from "../features";
import { clock, isDue, Micros, NEVER } from "../core/clock";
import { Event } from "../core/events";
import { IPV6_MTU_MIN } from "../wire/ipv6";
import { heapArm } from "../buffers/heap";
import { Address, At, Mark, nameDrop, nameFor, nameKeep, nameMark, RESOLVERS_MAX, ROUTERS_MAX } from "../address/names";
import {
  defaultRouter, HOSTS, interface6, isLoopback6, isMulticast6, isSamePrefix, isUnspecified, linkLocalHigh, onLinkAt,
  PREFIXES_MAX, Resolver, resolverAt, Router, routerAt, Says, toldForget,
} from "../ip/interface6";
import { ipForget } from "../ip/way";
import { Left, redirectsForget, redirectsLeave } from "../ip/redirects";
import { workUnblock } from "../tcp/block/tcb";
import { ndOwner, tellStack } from "../clients/owners";

/** Sees to it that `configureTimer` is called at `at` or earlier. */
export function ndArm(at: Micros): void {
  if (at != NEVER) heapArm(ndOwner(), at);
}

/** The moment `s` seconds from now; all ones are for ever. */
export function until(s: u32): Micros {
  return s == u32.MAX_VALUE ? NEVER : clock.us + <u64>s * 1_000_000;
}

/** A prefix is on the link for so long. Returns false when there is no place for it. */
export function prefixNote(high: u64, low: u64, bits: u32, end: Micros, who: Says): bool {
  if (bits > 128 || (high & 0xc0ff) == linkLocalHigh()) return true;
  let free = PREFIXES_MAX;
  for (let i: u32 = 0; i < PREFIXES_MAX; i++) {
    const p = onLinkAt(i);
    if (p.until <= clock.us) {
      if (who == Says.HOST || i < PREFIXES_MAX - HOSTS) free = i;
    } else if (p.bits == bits && isSamePrefix(p.high, p.low, high, low, bits)) {
      if (p.says > <u8>who) return true;
      p.until = end;
      p.says = <u8>who;
      ipForget();
      return true;
    }
  }
  if (free == PREFIXES_MAX || end <= clock.us) return false;
  const p = onLinkAt(free);
  p.high = high;
  p.low = low;
  p.bits = bits;
  p.until = end;
  p.says = <u8>who;
  ipForget();
  return true;
}

/**
 * Somebody is a router until then; not after now: no longer. For ever: the host says so, and no router ends that.
 * `order`: of its preference, since it is heard. Returns false when there is no place for one more.
 */
export function routerNote(name: Address, order: u32, end: Micros): bool {
  let free: Router | null = null;
  for (let i: u32 = 0; i < ROUTERS_MAX; i++) {
    const r = routerAt(i);
    if (r.name == name) {
      if (r.until != NEVER || end == NEVER) {
        r.order = order;
        r.until = end;
        if (end <= clock.us) routerEnd(r);
        else ndArm(end);
      } else {
        r.order &= 3;
      }
      markRouter();
      return true;
    }
    if (r.name == 0 && free == null && (end == NEVER || i < ROUTERS_MAX - HOSTS)) free = r;
  }
  if (free == null || end <= clock.us) return false;
  free.name = nameKeep(name);
  free.order = order;
  free.until = end;
  markRouter();
  ndArm(end);
  ipForget();
  workUnblock();
  tellStack(Event.ADDRESS);
  return true;
}

/** The router that packets go to keeps its place among the neighbours. Others do not: they could take all places. */
function markRouter(): void {
  const best = defaultRouter();
  for (let i: u32 = 0; i < ROUTERS_MAX; i++) {
    const name = routerAt(i).name;
    if (name != 0) nameMark(name, name == best ? Mark.ROUTER : Mark.NONE);
  }
}

/** A neighbour does not answer: if it is a router, others are asked first (RFC 4861 §6.3.6). */
export function routerSilent(name: Address): void {
  if (REDIRECTS) redirectsLeave(name, Left.SILENT);
  for (let i: u32 = 0; i < ROUTERS_MAX; i++) {
    const r = routerAt(i);
    if (r.name == name) r.order = (++interface6.silences << 2) | (r.order & 3);
  }
  markRouter();
  ipForget();
}

/** A neighbour says that he is a router no longer. */
export function routerGone(name: Address): void {
  if (REDIRECTS) redirectsLeave(name, Left.NO_ROUTER);
  for (let i: u32 = 0; i < ROUTERS_MAX; i++) {
    const r = routerAt(i);
    if (r.name == name && r.until != NEVER) routerEnd(r);
  }
}

function routerEnd(r: Router): void {
  if (r.name == 0) return;
  if (REDIRECTS) redirectsLeave(r.name, Left.NO_ROUTER);
  if (SOURCES) toldForget(r.name);
  nameMark(r.name, Mark.NONE);
  nameDrop(r.name);
  r.name = 0;
  markRouter();
  ipForget();
  tellStack(Event.ADDRESS);
}

/**
 * RFC 8106 §5.1: the 16 bytes at `at` are those of a DNS server until then; not after
 * now: no longer. Those that came first stay.
 */
export function resolverIs(at: usize, end: Micros): void {
  const name = nameFor(at, At.OTHER);
  if (isMulticast6(name) || isUnspecified(name) || isLoopback6(name)) return;
  let free: Resolver | null = null;
  for (let i: u32 = 0; i < RESOLVERS_MAX; i++) {
    const r = resolverAt(i);
    if (r.name == 0) {
      if (free == null) free = r;
    } else if (r.name == name) {
      r.until = end;
      if (end <= clock.us) resolverEnd(r);
      else ndArm(end);
      return;
    }
  }
  if (free == null || end <= clock.us) return;
  free.name = nameKeep(name);
  free.until = end;
  interface6.resolversChanged = true;
  ndArm(end);
}

function resolverEnd(r: Resolver): void {
  if (r.name == 0) return;
  nameDrop(r.name);
  r.name = 0;
  interface6.resolversChanged = true;
}

/** Nobody is a router or a DNS server, and nothing on the link. */
export function routersForget(): void {
  if (REDIRECTS) redirectsForget();
  for (let i: u32 = 0; i < ROUTERS_MAX; i++) routerEnd(routerAt(i));
  for (let i: u32 = 0; i < RESOLVERS_MAX; i++) resolverEnd(resolverAt(i));
  for (let i: u32 = 0; i < PREFIXES_MAX; i++) onLinkAt(i).until = 0;
}

/** Ends those whose time is over. Returns when the next one's is, or NEVER. */
export function routersTimer(): Micros {
  let next = NEVER;
  for (let i: u32 = 0; i < ROUTERS_MAX; i++) {
    const r = routerAt(i);
    if (r.name == 0) continue;
    if (isDue(r.until)) routerEnd(r);
    else next = min(next, r.until);
  }
  for (let i: u32 = 0; i < RESOLVERS_MAX; i++) {
    const r = resolverAt(i);
    if (r.name == 0) continue;
    if (isDue(r.until)) resolverEnd(r);
    else next = min(next, r.until);
  }
  return next;
}

/** The smaller of what a router says and what the link was configured for. */
export function mtuFromRouter(mtu: u32): void {
  if (mtu >= IPV6_MTU_MIN && mtu <= config.mtu) interface6.mtu = mtu;
}
