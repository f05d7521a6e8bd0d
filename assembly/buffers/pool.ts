// Pools of records of one size, a power of two: those that are free are linked through
// their first word, which whoever has one uses.

import { OWNERSHIP } from "../features";
import { take, layoutCommits } from "../core/layout";
import { allow, forbid, spaced } from "../core/own";

@unmanaged export class Pool {
  /** Address of the first free record; 0: all are taken. */
  free: usize;
  freeCount: u32;
  /** A record has 2^shift bytes. */
  shift: u32;
  /** In a build for checkers: what of a free record may be read: where it begins, and its size. */
  shown: u16;
  shownSize: u16;
}

/** Lays a pool of `count` records out. Bytes: 16, and 2^shift a record. */
export function poolInit(count: u32, shift: u32): Pool {
  const p = changetype<Pool>(take(1, offsetof<Pool>()));
  take(count, <u32>1 << shift);
  if (layoutCommits()) {
    p.shift = shift;
    for (let i = count; i > 0; i--) poolGive(p, poolAt(p, i - 1));
  }
  return p;
}

/**
 * What tells that a record is free, or what is read of it by whoever had it, stays:
 * `size` bytes at `offset`, multiples of 8.
 */
export function poolShow(p: Pool, count: u32, offset: u32, size: u32): void {
  p.shown = <u16>offset;
  p.shownSize = <u16>size;
  for (let i: u32 = 0; i < count; i++) allow(poolAt(p, i) + offset, size);
}

/** The first record, right behind the pool's head. */
export function poolBase(p: Pool): usize {
  return changetype<usize>(p) + (OWNERSHIP ? spaced(offsetof<Pool>()) : offsetof<Pool>());
}

export function poolAt(p: Pool, i: u32): usize {
  return poolBase(p) + (<usize>i << p.shift);
}

export function poolIndex(p: Pool, at: usize): u32 {
  return <u32>(at - poolBase(p)) >> p.shift;
}

/** A free record, as whoever had it left it but for its first word; 0: none. */
export function poolTake(p: Pool): usize {
  const at = p.free;
  if (at != 0) {
    // The other half is the red zone.
    if (OWNERSHIP) allow(at, <u32>1 << (p.shift - 1));
    p.free = load<usize>(at);
    p.freeCount--;
  }
  return at;
}

/** Gives a record back. */
export function poolGive(p: Pool, at: usize): void {
  store<usize>(at, p.free);
  p.free = at;
  p.freeCount++;
  if (OWNERSHIP) {
    forbid(at, <u32>1 << p.shift);
    allow(at + p.shown, p.shownSize);
  }
}
