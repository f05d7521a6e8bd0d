// The neighbour table: which MAC address a neighbour has (RFC 826, RFC 4861), learned only from those who asked us or
// whom we asked, so that an unsolicited reply changes nothing. Entries are renewed while they are used
// (RFC 1122 §2.3.2.1) and forgotten when their neighbour is silent.
//
// Four entries a set, the set by a keyed hash of the address: a look-up costs the same however many neighbours there
// are, and nobody can aim at the set of another. Who asks for a neighbour decides whose place it may take (`Asker`): a
// SYN, whose source may be forged, never one that is in use; and so the questions that such packets cause have a rate.

import { config } from "../config";
import { BOARD, IPV6, OWNERSHIP, SPEED } from "../features";
import { fence, take, layoutCommits } from "../core/layout";
import { RED_ZONE } from "../core/own";
import { Key, hash2 } from "../core/hash";
import { randomKey } from "../core/random";
import { rateTake } from "../core/rate";
import { ARP_REPLY } from "../wire/arp";
import { clock, isDue, afterMs, Micros, NEVER } from "../core/clock";
import { count, Mib } from "../core/counters";
import { isName, isRouter, nameDrop, nameKeep, nameSettled, pairOf } from "../address/names";

const WAYS: u32 = 4;
/** Requests for one neighbour: at most one a second (RFC 1122 §2.3.2.1), and three before it counts as unreachable. */
const REQUEST_MS: u32 = 1000;
const REQUESTS_MAX: u8 = 3;
/** DELAY_FIRST_PROBE_TIME (RFC 4861 §10). */
const DELAY_MS: u32 = 5000;

/** Questions for new neighbours in a second, and at once, that packets of whoever can cause. */
const ASKS: u32 = 50;
/** A neighbour keeps its place so long after a connection last sent to it, µs. */
const HOLD_US: u64 = 60_000_000;

const enum Neighbour { FREE, INCOMPLETE, KNOWN }

/** Who wants a place in the table. Each may take those of the ranks below (`rankOf`). */
export const enum Asker {
  /** An answer to a packet, whose source may be forged. */
  ANYBODY = 2,
  /** A neighbour that asked for our address. */
  ITSELF = 3,
  /** A connection that sends; or it is the gateway. */
  CONNECTION = 4,
}

@unmanaged export class NeighbourEntry {
  ip: u32;
  /** One of `Neighbour`. */
  state: u8;
  /** Requests sent since it was last confirmed. */
  requests: u8;
  /** Whether a request is to be sent. */
  wanted: bool;
  /** Whether a connection sent to it. */
  held: bool;
  mac: u64;
  /** When the entry is to be renewed (KNOWN), or given up or asked again (INCOMPLETE). */
  due: Micros;
  /** When a connection last sent to it, or it last made itself known. */
  used: Micros;
}

/** It begins with the key of the sets. */
@unmanaged class NeighbourTable extends Key {
  /** Not later than the first of them is due. */
  due: Micros;
  /** Entries that are INCOMPLETE or are being renewed: whether the timer has anything to do. */
  asking: u32;
  /** The place of the entry that was found last, since packets come in trains. */
  last: u32;
  /** The token bucket of `ASKS`. */
  rate: u32;
  /** Whether an entry may want a request sent. */
  wanted: bool;
}

/** Bytes from one entry to the next. */
const SPACED: u32 = OWNERSHIP ? (offsetof<NeighbourEntry>() + RED_ZONE) & ~7 : offsetof<NeighbourEntry>();

let table: usize = 0;
export let status: NeighbourTable = changetype<NeighbourTable>(0);

export function neighboursInit(): void {
  status = changetype<NeighbourTable>(take(1, offsetof<NeighbourTable>()));
  table = take(config.neighboursMax, SPACED);
  if (OWNERSHIP) fence(table, config.neighboursMax, SPACED, offsetof<NeighbourEntry>());
  if (layoutCommits()) randomKey(status);
}

/** The i-th entry, 0 ≤ i < neighboursMax. */
export function neighbourAt(i: u32): NeighbourEntry {
  return changetype<NeighbourEntry>(table + i * SPACED);
}

function setOf(ip: u32): u32 {
  return <u32>hash2(status, IPV6 ? pairOf(0, ip) : ip, 0) & (config.neighboursMax - 1) & ~(WAYS - 1);
}

function find(ip: u32): NeighbourEntry | null {
  // A board asks for its gateway at every frame, and the hash takes longer there than all the rest.
  if (SPEED || BOARD) {
    const e = neighbourAt(status.last);
    if (e.ip == ip && e.state != <u8>Neighbour.FREE) return e;
  }
  const set = setOf(ip);
  for (let i = set; i < set + WAYS; i++) {
    const e = neighbourAt(i);
    if (e.state == <u8>Neighbour.FREE || e.ip != ip) continue;
    if (SPEED || BOARD) status.last = i;
    return e;
  }
  return null;
}

function isGateway(ip: u32): bool {
  return ip == config.gateway || (IPV6 && isRouter(ip));
}

/**
 * What an entry is worth: 0 free, 1 nobody answered for it yet or it was not used
 * for long, 2 known, 3 in use, 4 the gateway.
 */
function rankOf(e: NeighbourEntry): u32 {
  if (e.state == <u8>Neighbour.FREE) return 0;
  if (isGateway(e.ip)) return 4;
  if (clock.us - e.used > HOLD_US) return 1;
  return e.held ? 3 : e.state == <u8>Neighbour.KNOWN ? 2 : 1;
}

/**
 * A place for `ip`: the one of its set that is worth least, and of these was used least
 * recently; null: all are worth more than `asker`.
 */
function claim(ip: u32, asker: Asker): NeighbourEntry | null {
  const set = setOf(ip);
  let best = neighbourAt(set), least = u64.MAX_VALUE;
  for (let i = set; i < set + WAYS; i++) {
    const e = neighbourAt(i), worth = (<u64>rankOf(e) << 60) + e.used;
    if (worth >= least) continue;
    best = e;
    least = worth;
  }
  if (least >> 60 >= <u64>asker || (asker == Asker.ANYBODY && !askTake())) return null;
  if (best.requests != 0) status.asking--;
  if (IPV6) {
    // A free entry has its name still: whoever was told of its failure knows it by that.
    ip = nameKeep(ip);
    nameDrop(best.ip);
  }
  best.ip = ip;
  best.requests = 0;
  best.wanted = false;
  best.held = false;
  best.used = clock.us;
  return best;
}

/** Takes one of the questions that strangers may put; returns false when none is left. */
function askTake(): bool {
  return rateTake(changetype<usize>(status) + offsetof<NeighbourTable>("rate"), ASKS, ASKS);
}

/** What `neighbourMac` returns when the address is not known yet; and when nobody is asked for it, either. */
export const MAC_UNKNOWN: u64 = u64.MAX_VALUE - 1;
export const MAC_REFUSED: u64 = u64.MAX_VALUE;

/**
 * The MAC address of `ip`. When it is not known, or old, a request is put on order (`wanted`),
 * which goes out at the end of the poll.
 */
export function neighbourMac(ip: u32, asker: Asker): u64 {
  if (IPV6) ip = nameSettled(ip);
  if (isGateway(ip)) asker = Asker.CONNECTION;
  let e = find(ip);
  if (e == null) {
    e = claim(ip, asker);
    if (e == null) return MAC_REFUSED;
    e.state = <u8>Neighbour.INCOMPLETE;
    ask(e);
  }
  if (asker == Asker.CONNECTION) {
    e.held = true;
    e.used = clock.us;
  }
  if (e.state == <u8>Neighbour.INCOMPLETE) return MAC_UNKNOWN;
  if (e.requests == 0 && isDue(e.due)) ask(e);
  return e.mac;
}

/** When the neighbour that was looked up last, and found, is to be renewed. */
export function neighbourFoundDue(): Micros {
  return neighbourAt(status.last).due;
}

/** The same, and nobody is asked: MAC_REFUSED if there is no entry. */
export function neighbourKnown(ip: u32): u64 {
  const e = find(ip);
  return e == null ? MAC_REFUSED : e.state == <u8>Neighbour.KNOWN ? e.mac : MAC_UNKNOWN;
}

function ask(e: NeighbourEntry): void {
  e.due = afterMs(REQUEST_MS);
  if (e.requests == 0 && status.asking++ == 0) status.due = e.due;
  e.requests++;
  e.wanted = status.wanted = true;
}

/**
 * Learns that `ip` has `mac`: from an ARP packet to us with the operation `op`. A reply only changes what we asked for.
 * Returns whether packets may be waiting for it.
 */
export function neighbourLearn(ip: u32, mac: u64, op: u32): bool {
  let e = find(ip);
  if (e == null) {
    if (op == ARP_REPLY) return false;
    e = claim(ip, Asker.ITSELF);
    if (e == null) return false;
  } else if (op == ARP_REPLY && e.requests == 0) {
    neighbourHeard(ip, mac);
    return false;
  }
  const waiting = e.state == <u8>Neighbour.INCOMPLETE;
  if (e.requests != 0) status.asking--;
  e.state = <u8>Neighbour.KNOWN;
  e.mac = mac;
  e.used = clock.us;
  e.requests = 0;
  e.wanted = false;
  // An IPv6 neighbour that only asked is asked itself when it is sent to some
  // seconds later (RFC 4861 §7.3.3: STALE, DELAY).
  e.due = afterMs(IPV6 && isName(ip) && op != ARP_REPLY ? DELAY_MS : config.neighbourMs);
  return waiting;
}

/**
 * Somebody says, unasked, that `ip` has `mac`. If we know otherwise, the
 * neighbour is asked, and believed once it answers.
 */
export function neighbourHeard(ip: u32, mac: u64): void {
  const e = find(ip);
  if (e != null && e.state == <u8>Neighbour.KNOWN && e.requests == 0 && e.mac != mac && askTake()) ask(e);
}

/**
 * Forgets what is known of `ip`, so that it is asked for again: the network is to
 * look for another way (RFC 9293 §3.8.3, R1).
 */
export function neighbourDoubt(ip: u32): void {
  const e = find(ip);
  if (e != null && e.state == <u8>Neighbour.KNOWN && e.requests == 0) ask(e);
}

/** The same for everybody: what is known holds until they answer, or have not. */
export function neighboursDoubt(): void {
  for (let i: u32 = 0; i < config.neighboursMax; i++) neighbourDoubt(neighbourAt(i).ip);
}

/** We are on another network, or on none: nobody is known. */
export function neighboursForget(): void {
  for (let i: u32 = 0; i < config.neighboursMax; i++) {
    const e = neighbourAt(i);
    e.state = <u8>Neighbour.FREE;
    e.requests = 0;
    e.wanted = e.held = false;
  }
  status.asking = 0;
}

/** When the table wants to be called next, or NEVER. */
export function neighboursNext(): Micros {
  return status.asking == 0 ? NEVER : status.due;
}

/**
 * Asks again for what was not answered. A neighbour that was asked for three times (once, if no connection wants it) is
 * given up: its address is returned, else 0.
 */
export function neighboursTick(): u32 {
  if (status.asking == 0 || !isDue(status.due)) return 0;
  let next = NEVER;
  for (let i: u32 = 0; i < config.neighboursMax; i++) {
    const e = neighbourAt(i);
    if (e.requests == 0) continue;
    // One that is not sent yet, for want of a slot, has its time later.
    if (e.wanted) e.due = afterMs(REQUEST_MS);
    else if (isDue(e.due) && e.requests < (e.held || e.state == <u8>Neighbour.KNOWN ? REQUESTS_MAX : 1)) ask(e);
    next = min(next, e.due);
    if (!isDue(e.due)) continue;
    status.asking--;
    e.requests = 0;
    e.state = <u8>Neighbour.FREE;
    count(Mib.arpFailures);
    return e.ip;
  }
  status.due = next;
  return 0;
}

/** Whether its address is known, and only renewed. */
export function neighbourIsKnown(e: NeighbourEntry): bool {
  return e.state == <u8>Neighbour.KNOWN;
}
