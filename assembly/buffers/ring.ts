// A byte ring: `size` bytes at `base`, wrapped by comparison, so that a ring of one MSS is 1460 bytes and not 2048.
//
// A place in it is `head`, where what is in use begins, and `at`, how far behind that. These functions are the
// only ones that write into a ring or read one: each holds the bound itself, whatever its caller believes. What
// begins at `head` takes up the ring at most.

import { copySum, sumBytes } from "../core/checksum";

/** Where `count` bytes lie that begin `at` bytes behind `head`: an offset from the ring's base. */
function place(size: u32, head: u32, at: u32, count: u32): u32 {
  assert(head < size && at <= size && count <= size - at);
  const offset = head + at;
  return offset < size ? offset : offset - size;
}

/** Copies `count` bytes from `src` into the ring. */
export function ringWrite(base: usize, size: u32, head: u32, at: u32, src: usize, count: u32): void {
  const offset = place(size, head, at, count), first = min(count, size - offset);
  memory.copy(base + offset, src, first);
  if (first < count) memory.copy(base, src + first, count - first);
}

/** Copies `count` bytes out of the ring to `dst`. */
export function ringRead(base: usize, size: u32, head: u32, at: u32, dst: usize, count: u32): void {
  const offset = place(size, head, at, count), first = min(count, size - offset);
  memory.copy(dst, base + offset, first);
  if (first < count) memory.copy(dst + first, base, count - first);
}

/** `ringRead`, and the sum of what was copied (core/checksum.ts). */
export function ringReadSum(base: usize, size: u32, head: u32, at: u32, dst: usize, count: u32): u64 {
  const offset = place(size, head, at, count);
  if (count <= size - offset) return copySum(dst, base + offset, count, 0);
  ringRead(base, size, head, at, dst, count);
  return sumBytes(dst, count, 0);
}

/** `ringWrite`, and the sum of what was copied. */
export function ringWriteSum(base: usize, size: u32, head: u32, at: u32, src: usize, count: u32): u64 {
  const offset = place(size, head, at, count);
  if (count <= size - offset) return copySum(base + offset, src, count, 0);
  ringWrite(base, size, head, at, src, count);
  return sumBytes(src, count, 0);
}
