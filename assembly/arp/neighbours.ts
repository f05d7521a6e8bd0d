// The neighbour table: which MAC address a neighbour has (RFC 826), learned only from those who asked us or whom we asked, so
// that an unsolicited reply changes nothing. Entries are renewed while they are used (RFC 1122 §2.3.2.1) and forgotten when their
// neighbour is silent.
//
// Four entries a set, the set by the address: a look-up costs the same however many neighbours there are.

import { config } from "../config";
import { SPEED } from "../features";
import { take } from "../core/layout";
import { clock, isDue, afterMs, Micros, NEVER } from "../core/clock";
import { count, Mib } from "../core/counters";

const WAYS: u32 = 4;
/** Requests for one neighbour: at most one a second (RFC 1122 §2.3.2.1), and three before it counts as unreachable. */
const REQUEST_MS: u32 = 1000;
const REQUESTS_MAX: u8 = 3;

export const enum Neighbour { FREE, INCOMPLETE, KNOWN }

@unmanaged export class NeighbourEntry {
  ip: u32;
  /** One of `Neighbour`. */
  state: u8;
  /** Requests sent since it was last confirmed. */
  requests: u8;
  /** Whether a request is to be sent. */
  wanted: bool;
  pad: u8;
  mac: u64;
  /** When the entry is to be renewed (KNOWN), or given up or asked again (INCOMPLETE). */
  due: Micros;
  /** When it was last looked up. */
  used: Micros;
}

@unmanaged class NeighbourTable {
  /** Entries that are INCOMPLETE or are being renewed: whether the timer has anything to do. */
  asking: u32;
  /** The place of the entry that was found last, since packets come in trains. */
  last: u32;
}

let table: usize = 0;
let status: NeighbourTable = changetype<NeighbourTable>(0);

export function neighboursInit(): void {
  status = changetype<NeighbourTable>(take(1, offsetof<NeighbourTable>()));
  table = take(config.neighboursMax, offsetof<NeighbourEntry>());
}

/** The i-th entry, 0 ≤ i < neighboursMax. */
export function neighbourAt(i: u32): NeighbourEntry {
  return changetype<NeighbourEntry>(table + i * offsetof<NeighbourEntry>());
}

function setOf(ip: u32): u32 {
  return ((ip * 0x9e3779b1) >> 16) & (config.neighboursMax - 1) & ~(WAYS - 1);
}

function find(ip: u32): NeighbourEntry | null {
  if (SPEED) {
    const e = neighbourAt(status.last);
    if (e.ip == ip && e.state != <u8>Neighbour.FREE) return e;
  }
  const set = setOf(ip);
  for (let i = set; i < set + WAYS; i++) {
    const e = neighbourAt(i);
    if (e.state == <u8>Neighbour.FREE || e.ip != ip) continue;
    if (SPEED) status.last = i;
    return e;
  }
  return null;
}

/** A place for `ip`: a free one, else the one of its set that was used least recently. */
function claim(ip: u32): NeighbourEntry {
  const set = setOf(ip);
  let best = neighbourAt(set);
  for (let i = set; i < set + WAYS; i++) {
    const e = neighbourAt(i);
    if (e.state == <u8>Neighbour.FREE) { best = e; break; }
    if (e.used < best.used) best = e;
  }
  if (best.requests != 0) status.asking--;
  best.ip = ip;
  best.requests = 0;
  best.wanted = false;
  best.used = clock.us;
  return best;
}

/** What `neighbourMac` returns when the address is not known yet. */
export const MAC_UNKNOWN: u64 = u64.MAX_VALUE;

/** The MAC address of `ip`. When it is not known, or old, a request is put on order (`neighbourNextRequest`). */
export function neighbourMac(ip: u32): u64 {
  let e = find(ip);
  if (e == null) {
    e = claim(ip);
    e.state = <u8>Neighbour.INCOMPLETE;
    ask(e);
    return MAC_UNKNOWN;
  }
  e.used = clock.us;
  if (e.state == <u8>Neighbour.INCOMPLETE) return MAC_UNKNOWN;
  if (e.requests == 0 && isDue(e.due)) ask(e);
  return e.mac;
}

function ask(e: NeighbourEntry): void {
  if (e.requests == 0) status.asking++;
  e.requests++;
  e.wanted = true;
  e.due = afterMs(REQUEST_MS);
}

/**
 * Learns that `ip` has `mac`: from a request that was sent to us (`create`), or from a reply, which only changes what we asked
 * for. Returns whether packets may be waiting for it.
 */
export function neighbourLearn(ip: u32, mac: u64, create: bool): bool {
  let e = find(ip);
  if (e == null) {
    if (!create) return false;
    e = claim(ip);
  } else if (!create && e.requests == 0) {
    neighbourHeard(ip, mac);
    return false;
  }
  const waiting = e.state == <u8>Neighbour.INCOMPLETE;
  if (e.requests != 0) status.asking--;
  e.state = <u8>Neighbour.KNOWN;
  e.mac = mac;
  e.requests = 0;
  e.wanted = false;
  e.due = afterMs(config.neighbourMs);
  return waiting;
}

/** Somebody says, unasked, that `ip` has `mac`. If we know otherwise, the neighbour is asked, and believed once it answers. */
export function neighbourHeard(ip: u32, mac: u64): void {
  const e = find(ip);
  if (e != null && e.state == <u8>Neighbour.KNOWN && e.requests == 0 && e.mac != mac) ask(e);
}

/** Forgets what is known of `ip`, so that it is asked for again: the network is to look for another way (RFC 9293 §3.8.3, R1). */
export function neighbourDoubt(ip: u32): void {
  const e = find(ip);
  if (e != null && e.state == <u8>Neighbour.KNOWN && e.requests == 0) ask(e);
}

/** When the table wants to be called next, or NEVER. */
export function neighboursNext(): Micros {
  let next = NEVER;
  for (let i: u32 = 0; status.asking != 0 && i < config.neighboursMax; i++) {
    const e = neighbourAt(i);
    if (e.requests != 0 && e.due < next) next = e.due;
  }
  return next;
}

/** Asks again for what was not answered. A neighbour that was asked for three times is given up: its address is returned, else 0. */
export function neighboursTick(): u32 {
  for (let i: u32 = 0; status.asking != 0 && i < config.neighboursMax; i++) {
    const e = neighbourAt(i);
    if (e.requests == 0 || e.wanted || !isDue(e.due)) continue;
    if (e.requests < REQUESTS_MAX) {
      ask(e);
      continue;
    }
    status.asking--;
    e.requests = 0;
    e.state = <u8>Neighbour.FREE;
    count(Mib.arpFailures);
    return e.ip;
  }
  return 0;
}

/** An entry for which a request is to be sent now; null when there is none. The caller clears `wanted` once it is sent. */
export function neighbourNextRequest(): NeighbourEntry | null {
  if (status.asking == 0) return null;
  for (let i: u32 = 0; i < config.neighboursMax; i++) {
    const e = neighbourAt(i);
    if (e.wanted) return e;
  }
  return null;
}
