// A byte ring: `size` bytes at `base`, wrapped by comparison, so that a ring of one MSS is 1460 bytes and not 2048.

import { copySum, sumBytes } from "../core/checksum";

/** Copies `count` bytes from `src` into the ring, from `offset` on. offset < 2 × size, count ≤ size. */
export function ringWrite(base: usize, size: u32, offset: u32, src: usize, count: u32): void {
  if (offset >= size) offset -= size;
  const first = min(count, size - offset);
  memory.copy(base + offset, src, first);
  if (first < count) memory.copy(base, src + first, count - first);
}

/** Copies `count` bytes out of the ring, from `offset` on, to `dst`. offset < 2 × size, count ≤ size. */
export function ringRead(base: usize, size: u32, offset: u32, dst: usize, count: u32): void {
  if (offset >= size) offset -= size;
  const first = min(count, size - offset);
  memory.copy(dst, base + offset, first);
  if (first < count) memory.copy(dst + first, base, count - first);
}

/** `ringRead`, and the sum of what was copied (core/checksum.ts). */
export function ringReadSum(base: usize, size: u32, offset: u32, dst: usize, count: u32): u64 {
  if (offset >= size) offset -= size;
  if (count <= size - offset) return copySum(dst, base + offset, count, 0);
  ringRead(base, size, offset, dst, count);
  return sumBytes(dst, count, 0);
}

/** `ringWrite`, and the sum of what was copied. */
export function ringWriteSum(base: usize, size: u32, offset: u32, src: usize, count: u32): u64 {
  if (offset >= size) offset -= size;
  if (count <= size - offset) return copySum(base + offset, src, count, 0);
  ringWrite(base, size, offset, src, count);
  return sumBytes(src, count, 0);
}
