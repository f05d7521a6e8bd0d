// An address that the host gives itself where nobody gives it one (RFC 3927): one of 169.254/16, for which it asks
// whether somebody has it, which it announces, and which it gives up when somebody else insists on it.
//
// It is made from the MAC address, so that a host has the same one after each start (RFC 3927 §2.1). DHCP goes on
// meanwhile: as soon as a server agrees to a lease, its address takes the place of this one.

import { config } from "../config";
import { afterMs, isDue, Micros } from "../core/clock";
import { count, Mib } from "../core/counters";
import { Key, hash2 } from "../core/hash";
import { take } from "../core/layout";
import { randomBelow } from "../core/random";
import { heapArm, heapDisarm } from "../buffers/heap";
import { Arp, ARP_REQUEST } from "../wire/arp";
import { arpSend, ownMac } from "../ip/output";
import { addressAnnounce, addressChange } from "./address";
import { lease, State } from "./dhcp-state";
import { linkLocalOwner } from "./owners";

/** RFC 3927 §9. Probes, and the time before the first, between two, and after the last of them. */
const PROBES: u8 = 3;
const PROBE_WAIT_MS: u32 = 1000;
const PROBE_LEAST_MS: u32 = 1000;
const PROBE_MOST_MS: u32 = 2000;
const ANNOUNCE_WAIT_MS: u32 = 2000;
/** Announcements, and the time between them. */
const ANNOUNCEMENTS: u8 = 2;
const ANNOUNCE_MS: u32 = 2000;
/** After so many conflicts one address a minute is tried, no more. */
const CONFLICTS_MAX: u32 = 10;
const SELDOM_MS: u32 = 60_000;

/** 169.254.1.0, and how many addresses there are from there on: the first and last 256 are reserved (§2.1). */
const FIRST: u32 = 0xa9fe0100;
const COUNT: u32 = 0xfe00;

const enum Stage {
  OFF,
  /** The interface has an address, or may get one. */
  RESTING,
  PROBING,
  HELD,
}

/** It begins with a key of zeros: the addresses that are tried follow from the MAC address alone. */
@unmanaged class LinkLocal extends Key {
  /** When there is something to do. */
  due: Micros;
  /** The address that is tried, or held; 0: none yet. */
  ip: u32;
  /** How many were made; conflicts since one was settled. */
  made: u32;
  conflicts: u32;
  /** One of `Stage`. */
  stage: u8;
  /** Probes, and announcements, to be sent. */
  probes: u8;
  announcements: u8;
  pad: u8;
}

let own: LinkLocal = changetype<LinkLocal>(0);

export function linkLocalInit(): void {
  own = changetype<LinkLocal>(take(1, offsetof<LinkLocal>()));
}

/** Whether an address can be one of these. */
export function isSelfGiven(ip: u32): bool {
  return ip - FIRST < COUNT;
}

/** Whether the interface has one. */
export function linkLocalHeld(): bool {
  return own.stage == <u8>Stage.HELD;
}

/**
 * From now on the interface is to have one when it has no other: without DHCP at once, else when no server answers.
 * `wanted`: one that it had before, which is tried first; 0: none.
 */
export function linkLocalBegin(wanted: u32): void {
  linkLocalEnd();
  own.stage = <u8>Stage.RESTING;
  own.ip = wanted;
  own.made = own.conflicts = 0;
  if (lease.state == State.OFF) linkLocalNeeded();
}

/** No more. The one that the interface has is taken away. */
export function linkLocalEnd(): void {
  const held = linkLocalHeld();
  linkLocalLetGo();
  if (held) addressChange(0, 0, 0);
}

/** Somebody else sees to the address from now on, also to the one that there is. */
export function linkLocalLetGo(): void {
  own.stage = <u8>Stage.OFF;
  heapDisarm(linkLocalOwner());
}

/** Another address comes: ours is not needed. Whoever gives that one takes this one away. */
export function linkLocalRest(): void {
  if (own.stage == <u8>Stage.OFF) return;
  own.stage = <u8>Stage.RESTING;
  heapDisarm(linkLocalOwner());
}

/** Nobody gives the interface an address. */
export function linkLocalNeeded(): void {
  if (own.stage == <u8>Stage.RESTING && config.ip == 0) look();
}

/** Somebody on another link may have it (RFC 3927 §2.2.1): it is looked for anew, once it is needed. */
export function linkLocalLinkChanged(): void {
  if (own.stage == <u8>Stage.OFF) return;
  const held = linkLocalHeld();
  linkLocalRest();
  own.conflicts = 0;
  if (held) addressChange(0, 0, 0);
  if (lease.state == State.OFF) linkLocalNeeded();
}

/** Asks whether somebody has the address, in a moment; after too many conflicts, a minute later (RFC 3927 §2.2.1). */
function look(): void {
  if (own.ip == 0) own.ip = FIRST + <u32>(hash2(own, ownMac(), own.made++) % COUNT);
  own.stage = <u8>Stage.PROBING;
  own.probes = PROBES;
  armAfter(own.conflicts < CONFLICTS_MAX ? randomBelow(PROBE_WAIT_MS + 1) : SELDOM_MS);
}

function armAfter(ms: u32): void {
  own.due = afterMs(ms);
  heapArm(linkLocalOwner(), own.due);
}

/** Its entry in the heap came up. */
export function linkLocalTimer(): void {
  heapDisarm(linkLocalOwner());
  if (!isDue(own.due)) {
    heapArm(linkLocalOwner(), own.due);
  } else if (own.stage == <u8>Stage.HELD) {
    announce();
  } else if (own.probes != 0) {
    // While the ring is full, later.
    if (arpSend(ARP_REQUEST, own.ip, 0)) own.probes--;
    const between = PROBE_LEAST_MS + randomBelow(PROBE_MOST_MS - PROBE_LEAST_MS + 1);
    armAfter(own.probes == 0 ? ANNOUNCE_WAIT_MS : between);
  } else {
    own.stage = <u8>Stage.HELD;
    own.announcements = ANNOUNCEMENTS;
    addressChange(own.ip, 16, 0);
    announce();
  }
}

/** RFC 3927 §2.4. */
function announce(): void {
  addressAnnounce();
  if (--own.announcements != 0) armAfter(ANNOUNCE_MS);
  else own.conflicts = 0;
}

/** An ARP packet of `size` bytes, while one is looked for: does somebody have it, or want it, too (RFC 3927 §2.2.1)? */
export function linkLocalHears(arp: Arp, size: u32): void {
  if (own.stage != <u8>Stage.PROBING || !arp.isValid(size) || arp.senderMac == ownMac()) return;
  const probes = arp.senderIp == 0 && arp.op == ARP_REQUEST && arp.targetIp == own.ip;
  if (arp.senderIp != own.ip && !probes) return;
  count(Mib.arpConflicts);
  another();
}

/** Somebody uses the interface's address though it was defended a moment ago (RFC 3927 §2.5 (b)). */
export function linkLocalContested(): void {
  if (!linkLocalHeld()) return;
  addressChange(0, 0, 0);
  another();
}

function another(): void {
  own.conflicts++;
  own.ip = 0;
  look();
}
