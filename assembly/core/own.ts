// Whose memory is what, in a build that checks it (STINT_OWNERSHIP, tests/ownership). Elsewhere this is no code at all.
//
// Everything is forbidden until a part of the plan, a pool or a call allows it. Between records, rings and slots lie
// red zones that nobody has. Two checkers know of it. The module's own is a bitmap behind the arena, a bit a byte, so a
// copy of the memory is still a copy of the stack; tools/ownership.mjs puts a call of `ownLoad` or `ownStore` before
// each access. The other is the AddressSanitizer of a C compiler (NATIVE), which is told and checks by itself.

import { NATIVE, OWNERSHIP } from "../features";

// @ts-ignore: decorator
@external("native", "own_allow")
declare function nativeAllow(at: usize, size: u32): void;
// @ts-ignore: decorator
@external("native", "own_forbid")
declare function nativeForbid(at: usize, size: u32): void;
// @ts-ignore: decorator
@external("native", "own_begin")
declare function nativeBegin(at: usize, size: u32, data: usize): void;

/** Bytes between two records, rings or slots: 64, and up to 7 so that the next one is aligned. */
export const RED_ZONE: u32 = 71;
/** What a pool's records are spaced by, as a shift: a red zone as long as the record. */
export const RED_SHIFT: u32 = OWNERSHIP ? 1 : 0;

/** Bytes from one record of `size` bytes to the next. */
export function spaced(size: u32): u32 {
  return (size + RED_ZONE) & ~7;
}

/** The arena, and the bitmap behind it: bits of 1 are forbidden. 0: nothing is checked yet. */
let arena: usize = 0;
let bits: usize = 0;
/** Bytes of the arena that was planned last, without its bitmap. */
let covered: u32 = 0;
/** What callers lent for the call that is under way: two parts at most. */
let lentAt: usize = 0;
let lentSize: u32 = 0;
let lentBefore: usize = 0;
let lentSizeBefore: u32 = 0;
/** Where the access was that trapped. */
let fault: usize = 0;

export function ownFault(): usize {
  return fault;
}

/** A check may read a word behind the bitmap's last bit. */
const SLACK: u32 = 16;

/** Bytes behind an arena of `size` bytes, a multiple of 8, that the bitmap takes. */
export function ownSize(size: u64): u32 {
  covered = <u32>size;
  return OWNERSHIP && !NATIVE ? <u32>(size >> 3) + SLACK : 0;
}

/** The arena that was planned last will be laid out at `at`, in `size` bytes: nobody has anything in it yet. */
export function ownBegin(at: usize, size: u32): void {
  if (!OWNERSHIP) return;
  if (NATIVE) {
    nativeBegin(at, size, <u32>__heap_base);
    // The configuration.
    if (lentAt != 0) nativeAllow(lentAt, lentSize);
    return;
  }
  arena = at;
  bits = at + covered;
  memory.fill(bits, 0xff, (covered >> 3) + SLACK);
}

/** The part may be read and written. */
export function allow(at: usize, size: u32): void {
  if (!OWNERSHIP) return;
  if (NATIVE) nativeAllow(at, size);
  else mark(at, size, Whose.STACKS);
}

/** The part is nobody's. */
export function forbid(at: usize, size: u32): void {
  if (!OWNERSHIP) return;
  if (NATIVE) nativeForbid(at, size);
  else mark(at, size, Whose.NOBODYS);
}

/** Bits of the map. */
const enum Whose { STACKS, NOBODYS }

function mark(at: usize, size: u32, whose: Whose): void {
  // The bitmap is a part of the plan itself.
  if (at >= bits) return;
  let i = at - arena;
  const end = i + size, whole = end & ~7;
  while (i < end && (i & 7) != 0) markOne(i++, whose);
  if (i < whole) {
    memory.fill(bits + (i >> 3), whose == Whose.NOBODYS ? 0xff : 0, (whole - i) >> 3);
    i = whole;
  }
  while (i < end) markOne(i++, whose);
}

function markOne(i: usize, whose: Whose): void {
  const at = bits + (i >> 3), bit = <u32>1 << <u32>(i & 7), had = <u32>load<u8>(at);
  store<u8>(at, whose == Whose.NOBODYS ? had | bit : had & ~bit);
}

/** A caller's memory, outside of the arena, is the module's until its next call. */
export function lend(at: usize, size: u32): void {
  if (!OWNERSHIP) return;
  if (NATIVE) {
    if (lentBefore != 0) nativeForbid(lentBefore, lentSizeBefore);
    if (lentAt != 0) nativeAllow(lentAt, lentSize);
    nativeAllow(at, size);
  }
  lentBefore = lentAt;
  lentSizeBefore = lentSize;
  lentAt = at;
  lentSize = size;
}

/** What was lent is the caller's again. */
export function giveBack(): void {
  if (!OWNERSHIP) return;
  if (NATIVE) {
    if (lentBefore != 0) nativeForbid(lentBefore, lentSizeBefore);
    if (lentAt != 0) nativeForbid(lentAt, lentSize);
  }
  lentAt = lentBefore = 0;
}

// What is called before each access; none of it is checked itself.

/** Before `size` ≤ 16 bytes at `at` + `offset` are read. Returns `at`. */
export function ownLoad(at: usize, offset: u32, size: u32): usize {
  if (!mayUse(at + offset, size) && !isData(at + offset, size)) fail(at + offset);
  return at;
}

/** Before they are written. */
export function ownStore(at: usize, offset: u32, size: u32): usize {
  if (!mayUse(at + offset, size)) fail(at + offset);
  return at;
}

/** In the place of memory.copy. */
export function ownCopy(to: usize, from: usize, size: u32): void {
  for (let i: u32 = 0; i < size; i += 16) ownLoad(from + i, 0, min<u32>(16, size - i));
  for (let i: u32 = 0; i < size; i += 16) ownStore(to + i, 0, min<u32>(16, size - i));
  memory.copy(to, from, size);
}

/** In the place of memory.fill. */
export function ownFill(to: usize, value: u8, size: u32): void {
  for (let i: u32 = 0; i < size; i += 16) ownStore(to + i, 0, min<u32>(16, size - i));
  memory.fill(to, value, size);
}

function mayUse(at: usize, size: u32): bool {
  if (bits == 0) return true;
  if (at >= arena && at + size <= bits) {
    const i = at - arena;
    return ((load<u32>(bits + (i >> 3)) >> <u32>(i & 7)) & ((<u32>1 << size) - 1)) == 0;
  }
  return liesWithin(at, size, lentAt, lentSize) || liesWithin(at, size, lentBefore, lentSizeBefore);
}

/** The module's own tables. */
function isData(at: usize, size: u32): bool {
  return at >= 16 && at + size <= __heap_base;
}

function liesWithin(at: usize, size: u32, part: usize, partSize: u32): bool {
  return at >= part && <u64>at + size <= <u64>part + partSize && part != 0;
}

function fail(at: usize): void {
  fault = at;
  unreachable();
}
