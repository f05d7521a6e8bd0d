// Which connection a segment belongs to: one table, hashed with a key that the network does not know, for all owners of four-tuples.
// Owners are numbered: connections first, then half-open records, then TIME-WAIT records; timers use the same numbers.

import { config } from "../config";
import { take, layoutCommits } from "../core/layout";
import { Key, hashFlow } from "../core/hash";
import { randomKey } from "../core/random";
import { Flow, tcbAt } from "./tcb";
import { halfOpenAt } from "./half-open";
import { timeWaitAt } from "./time-wait";

let buckets: usize = 0;
let mask: u32 = 0;
let table: usize = 0;

/** At `table`: the key, then the number + 1 of the owner that was found last, since packets come in trains. */
const KEY_SIZE: u32 = 16;

export function demuxInit(): void {
  const owners = config.connsMax + config.halfOpenMax + config.timeWaitMax;
  const size = owners <= 4 ? 4 : <u32>1 << (32 - clz(owners - 1));
  const t = take(1, KEY_SIZE + 8), b = take(size, 4);
  if (!layoutCommits()) return;
  table = t;
  buckets = b;
  mask = size - 1;
  randomKey(changetype<Key>(table));
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

export function flowAt(owner: u32): Flow {
  if (owner < config.connsMax) return tcbAt(owner);
  if (owner < timeWaitBase()) return halfOpenAt(owner - config.connsMax);
  return timeWaitAt(owner - timeWaitBase());
}

function bucketOf(rip: u32, lip: u32, ports: u32): usize {
  return buckets + ((<usize>(<u32>hashFlow(changetype<Key>(table), rip, lip, ports) & mask)) << 2);
}

/** The owner of a four-tuple, or NOBODY. */
export function demuxFind(rip: u32, lip: u32, ports: u32): u32 {
  let owner = load<u32>(table, KEY_SIZE);
  if (owner != 0) {
    const f = flowAt(owner - 1);
    if (f.ports == ports && f.rip == rip && f.lip == lip) return owner - 1;
  }
  owner = load<u32>(bucketOf(rip, lip, ports));
  while (owner != 0) {
    const f = flowAt(owner - 1);
    if (f.ports == ports && f.rip == rip && f.lip == lip) {
      store<u32>(table, owner, KEY_SIZE);
      return owner - 1;
    }
    owner = f.hashNext;
  }
  return NOBODY;
}

/** Makes `owner` own the four-tuple in its Flow. Nobody else does. */
export function demuxInsert(owner: u32): void {
  const f = flowAt(owner);
  const bucket = bucketOf(f.rip, f.lip, f.ports);
  f.hashNext = load<u32>(bucket);
  store<u32>(bucket, owner + 1);
}

export function demuxRemove(owner: u32): void {
  const f = flowAt(owner);
  const bucket = bucketOf(f.rip, f.lip, f.ports);
  let at = load<u32>(bucket);
  if (load<u32>(table, KEY_SIZE) == owner + 1) store<u32>(table, 0, KEY_SIZE);
  if (at == owner + 1) {
    store<u32>(bucket, f.hashNext);
    return;
  }
  while (at != 0) {
    const g = flowAt(at - 1);
    at = g.hashNext;
    if (at == owner + 1) {
      g.hashNext = f.hashNext;
      return;
    }
  }
}
