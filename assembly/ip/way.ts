// The way to a destination: by which ring of frames a packet leaves, and to which MAC address. The one that was found
// last is kept for the packet that takes it, and in builds for speed for those behind it (RFC 1122 §3.3.1.2).

import { IPV6, LOOPBACK, MDNS, SPEED } from "../features";
import { config, ETHERNET_SIZE } from "../config";
import { clock, isDue, Micros } from "../core/clock";
import { take } from "../core/layout";
import { SlotRing, slotNext, slotsFull, slotsInit, slotsUsed } from "../buffers/slots";
import { MAC_BROADCAST, MAC_GROUP6 } from "../wire/ethernet";
import { Ipv4 } from "../wire/ipv4";
import { Address, isAtHand, isName, Knows, nameLow, namesTakeChange } from "../address/names";
import { Asker, neighbourFoundDue, neighbourMac, MAC_UNKNOWN } from "../arp/neighbours";
import { HEADER_MORE, isBroadcast, isOwn, isReachable, nextHop, NO_ROUTE } from "./address";
import { groupMac4, isGroup4 } from "./groups";
import { wayUntil6 } from "./interface6";

/** The way of the datagram at hand. */
@unmanaged export class Route {
  /** Where it leads, if it is kept: until a neighbour may have changed (`ipForget`, `ipForgetOld`). */
  to: Address;
  /** The ring of frames; 0: a slot in which it waits for its neighbour. */
  ring: usize;
  mac: u64;
  /** Until when it is kept. */
  until: Micros;
  /** Its frame. */
  frame: usize;
  /** Whether no segment has taken it yet. */
  isNew: bool;
}

/** So long a way is taken to be open without another look at the neighbour, µs: it counts as used meanwhile. */
const OPEN_US: u64 = 100_000;

export let route: Route = changetype<Route>(0);
export let tx: SlotRing = changetype<SlotRing>(0);
let loop: SlotRing = changetype<SlotRing>(0);

/** Lays out the loop slots; `txRing` is the ring to the host. */
export function wayInit(txRing: usize): void {
  loop = changetype<SlotRing>(take(1, offsetof<SlotRing>()));
  tx = changetype<SlotRing>(txRing);
  slotsInit(changetype<usize>(loop), LOOPBACK ? config.loopSlots : 0, config.mtu);
}

/** Where the way of the datagram at hand is noted. */
export function routeInit(at: Route): void {
  route = at;
}

/** The ring of frames that the stack sent to itself. */
export function loopRing(): SlotRing {
  return loop;
}

/** Whether there is a slot for a packet to `dst`. */
export function ipHasSlot(dst: Address): bool {
  return !slotsFull(LOOPBACK && isOwn(dst) ? loop : tx);
}

/** Frames that the host takes before it is asked again. */
export function ipFree(): u32 {
  return tx.mask + 1 - slotsUsed(tx);
}

/** What stands in the way of sending to an address. */
export const enum Way {
  OPEN,
  /** No free slot. */
  NO_SLOT,
  NO_ROUTE,
  /** The neighbour is being asked for its MAC address. */
  UNRESOLVED,
  /** There is no room for one neighbour more. */
  REFUSED,
}

/** Whether a connection's packet to `dst` can be sent now, by `ipSend`; asks for the neighbour if need be. */
export function ipWay(dst: Address): Way {
  if (SPEED) {
    forgetRenamed();
    if (dst == route.to) return takeSlot();
  }
  if (!isReachable(dst)) return Way.NO_ROUTE;
  const way = ipFindWay(dst, Asker.CONNECTION);
  if (SPEED && way == Way.OPEN) keep(dst);
  return way;
}

/** Where the payload of a packet to `dst` is to be written, once `ipWay` has said OPEN. */
export function ipPlace(dst: Address): usize {
  return route.frame + ETHERNET_SIZE + Ipv4.SIZE + <usize>(IPV6 && isName(dst) ? HEADER_MORE : 0);
}

/** Finds the way to `dst`, and a slot; asks for the neighbour if need be. */
export function ipFindWay(dst: Address, asker: Asker): Way {
  if (SPEED) {
    forgetRenamed();
    if (dst == route.to) return takeSlot();
    ipForget();
  }
  route.mac = 0;
  route.ring = changetype<usize>(loop);
  if (!LOOPBACK || !isOwn(dst)) {
    const hop = nextHop(dst);
    if (hop == NO_ROUTE) return Way.NO_ROUTE;
    const mac = isBroadcast(dst) || (MDNS && isGroup4(dst)) ? groupMac(dst) : neighbourMac(hop, asker);
    if (mac >= MAC_UNKNOWN) return mac == MAC_UNKNOWN ? Way.UNRESOLVED : Way.REFUSED;
    route.mac = mac;
    route.ring = changetype<usize>(tx);
  }
  return takeSlot();
}

/** A name may be another address's now. */
function forgetRenamed(): void {
  if (IPV6 && namesTakeChange(Knows.WAY)) ipForget();
}

function takeSlot(): Way {
  const ring = changetype<SlotRing>(route.ring);
  if (slotsFull(ring)) return Way.NO_SLOT;
  route.frame = slotNext(ring);
  return Way.OPEN;
}

/** The way that was found to `dst` is kept. */
function keep(dst: Address): void {
  // What is at hand is another address with the next packet.
  route.to = IPV6 && isAtHand(dst) ? 0 : dst;
  route.isNew = true;
  route.until = clock.us + OPEN_US;
  if (route.ring == changetype<usize>(tx) && !isBroadcast(dst)) route.until = min(route.until, neighbourFoundDue());
  if (IPV6 && isName(dst)) route.until = min(route.until, wayUntil6());
}

/** What is known of neighbours may have changed, or is to be looked at again. */
export function ipForget(): void {
  if (SPEED) route.to = 0;
}

/** With each `poll`: the way that is kept is looked for again now and then. */
export function ipForgetOld(): void {
  if (SPEED && isDue(route.until)) route.to = 0;
}

/** The MAC address of all who may be meant by an address of many (RFC 2464 §7). */
function groupMac(dst: Address): u64 {
  if (MDNS && isGroup4(dst)) return groupMac4(dst);
  return IPV6 && isName(dst) ? MAC_GROUP6 | <u64>bswap<u32>(<u32>(nameLow(dst) >> 32)) : MAC_BROADCAST;
}
