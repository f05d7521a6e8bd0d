// How `init` divides the arena: one cursor that only moves up. `layoutSize` runs the same plan without an arena.

import { OWNERSHIP } from "../features";
import { allow, forbid, spaced } from "./own";

let cursor: u64 = 0;
let writes: bool = false;

/** Starts a plan at `base`. With `commit` the parts are laid out for use, without it they are only counted. */
export function layoutBegin(base: u64, commit: bool): void {
  cursor = base;
  writes = commit;
}

/** Whether what is taken may be written to. Where it lies is noted all the same: see `stackSize`. */
export function layoutCommits(): bool {
  return writes;
}

/** Takes `count` records of `size` bytes, 8-byte aligned. Returns where they begin. */
export function take(count: u32, size: u32): usize {
  const at = (cursor + 7) & ~7;
  cursor = at + <u64>count * <u64>size;
  if (OWNERSHIP && count != 0 && size != 0) {
    if (writes) allow(<usize>at, count * size);
    // A red zone behind it.
    cursor = at + spaced(0) + ((<u64>count * <u64>size + 7) & ~7);
  }
  return <usize>at;
}

/** Of `count` records from `at` on, `stride` bytes apart, the first `size` bytes of each are used. */
export function fence(at: usize, count: u32, stride: u32, size: u32): void {
  for (let i: u32 = 0; writes && i < count; i++) forbid(at + i * stride + size, stride - size);
}

/** Where the plan ends: up to 2^32 and beyond, so that a plan that is too large can be told. */
export function layoutEnd(): u64 {
  return cursor;
}
