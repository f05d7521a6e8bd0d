// Which connection a segment belongs to: one table, hashed with a key that the network does not know, for
// all owners of four-tuples. Owners are numbered: connections first, then half-open records, then
// TIME-WAIT records; timers use the same numbers.
//
// Open addressing: a slot is a byte of the hash, 0 when it is empty, and the number of an owner. A segment of
// nobody, which is what a flood consists of, touches the bytes alone: 256 KiB for 100,000 connections, so they
// stay in the cache. The table is at most half full, so that runs are short: 1.5 slots to find an owner, 2.5
// to find none (Knuth, TAOCP vol. 3, §6.4).

import { config } from "../../config";
import { BOUNDED, IPV6, SPEED } from "../../features";
import { take, layoutCommits } from "../../core/layout";
import { Key, hashTable } from "../../core/hash";
import { randomKey } from "../../core/random";
import { nameDrop, nameKeep } from "../../address/names";
import { tcbAt } from "./tcb";
import { Flow } from "./flow";
import { halfOpenAt } from "./half-open-record";
import { timeWaitAt } from "./time-wait-record";

/** A byte a slot, and a u32 a slot. */
export let tags: usize = 0;
let owners: usize = 0;
export let mask: u32 = 0;
let table: usize = 0;

/**
 * At `table`: the key, then the number + 1 of the owner that was found last, since packets come in trains; then the
 * four-tuple that was hashed last, and its hash.
 */
const KEY_SIZE: u32 = 16;
const HASHED: u32 = KEY_SIZE + 8;
const TABLE_SIZE: u32 = HASHED + (SPEED ? 16 : 0);

export function demuxInit(): void {
  const size = <u32>2 << (32 - clz(listenerBase() - 1));
  table = take(1, TABLE_SIZE);
  tags = take(size, 1);
  owners = take(size, 4);
  mask = size - 1;
  if (layoutCommits()) randomKey(changetype<Key>(table));
}

/** What `demuxFind` returns when nobody owns the four-tuple. */
export const NOBODY: u32 = u32.MAX_VALUE;

export function isConn(owner: u32): bool {
  return owner < config.connsMax;
}

export function isHalfOpen(owner: u32): bool {
  return owner >= config.connsMax && owner < config.connsMax + config.halfOpenMax;
}

/** The numbers of half-open records start here. */
export function halfOpenBase(): u32 {
  return config.connsMax;
}

/** The numbers of TIME-WAIT records start here. */
export function timeWaitBase(): u32 {
  return config.connsMax + config.halfOpenMax;
}

/** The numbers of listeners, which have timers but no four-tuple, start here. */
export function listenerBase(): u32 {
  return timeWaitBase() + config.timeWaitMax;
}

function flowAt(owner: u32): Flow {
  if (owner < config.connsMax) return tcbAt(owner);
  if (owner < timeWaitBase()) return halfOpenAt(owner - config.connsMax);
  return timeWaitAt(owner - timeWaitBase());
}

function hashOf(lip: u32, rip: u32, ports: u32): u32 {
  if (!SPEED) return hashTable(changetype<Key>(table), lip, rip, ports);
  // What comes for a connection is looked up, and may then change owners: the same four-tuple again.
  // Port 0 is nobody's, so an empty one is none.
  const at = table + HASHED;
  if (load<u32>(at) == ports && load<u32>(at, 4) == rip && load<u32>(at, 8) == lip) return load<u32>(at, 12);
  const hash = hashTable(changetype<Key>(table), lip, rip, ports);
  store<u32>(at, ports);
  store<u32>(at, rip, 4);
  store<u32>(at, lip, 8);
  store<u32>(at, hash, 12);
  return hash;
}

/** The byte of a hash that its slot keeps: not one of those that choose the slot, and never 0. */
function tagOf(hash: u32): u32 {
  return (hash >> 24) | 1;
}

function ownerAt(i: u32): usize {
  return owners + (<usize>(i & mask) << 2);
}

function tagAt(i: u32): usize {
  return tags + <usize>(i & mask);
}

/** The owner of a four-tuple, or NOBODY. */
export function demuxFind(lip: u32, rip: u32, ports: u32): u32 {
  const last = load<u32>(table, KEY_SIZE);
  if (last != 0) {
    const f = flowAt(last - 1);
    if (f.ports == ports && f.rip == rip && f.lip == lip) return last - 1;
  }
  const hash = hashOf(lip, rip, ports);
  let i = hash;
  for (let tag = <u32>load<u8>(tagAt(i)); tag != 0; tag = <u32>load<u8>(tagAt(++i))) {
    assert(!BOUNDED || i - hash < mask);
    if (tag != tagOf(hash)) continue;
    const owner = load<u32>(ownerAt(i)), f = flowAt(owner);
    if (f.ports == ports && f.rip == rip && f.lip == lip) {
      store<u32>(table, owner + 1, KEY_SIZE);
      return owner;
    }
  }
  return NOBODY;
}

/** Makes `owner` own the four-tuple in its Flow. Nobody else does. */
export function demuxInsert(owner: u32): void {
  const f = flowAt(owner);
  if (IPV6) {
    f.lip = nameKeep(f.lip);
    f.rip = nameKeep(f.rip);
  }
  const hash = hashOf(f.lip, f.rip, f.ports);
  let i = hash;
  for (; load<u8>(tagAt(i)) != 0; i++) assert(!BOUNDED || i - hash < mask);
  store<u8>(tagAt(i), <u8>tagOf(hash));
  store<u32>(ownerAt(i), owner);
}

/**
 * The owner gives its four-tuple up: what lies behind it and could not be at its place
 * moves up (TAOCP vol. 3, §6.4, algorithm R).
 */
export function demuxRemove(owner: u32): void {
  if (load<u32>(table, KEY_SIZE) == owner + 1) store<u32>(table, 0, KEY_SIZE);
  const f = flowAt(owner);
  const home = hashOf(f.lip, f.rip, f.ports);
  let hole = home;
  for (; load<u32>(ownerAt(hole)) != owner || load<u8>(tagAt(hole)) == 0; hole++) {
    assert(!BOUNDED || hole - home < mask);
  }
  let i = hole + 1;
  for (let tag = load<u8>(tagAt(i)); tag != 0; tag = load<u8>(tagAt(++i))) {
    assert(!BOUNDED || i - home <= mask);
    const g = flowAt(load<u32>(ownerAt(i)));
    // It stays if its home lies behind the hole, up to where it is.
    if (((i - hashOf(g.lip, g.rip, g.ports)) & mask) < ((i - hole) & mask)) continue;
    store<u8>(tagAt(hole), tag);
    store<u32>(ownerAt(hole), load<u32>(ownerAt(i)));
    hole = i;
  }
  store<u8>(tagAt(hole), 0);
  if (IPV6) {
    nameDrop(f.lip);
    nameDrop(f.rip);
  }
}
