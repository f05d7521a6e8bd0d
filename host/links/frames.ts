/** Frames in the slots of a module, for links that read and write them where they lie. */

/** A ring of slots. Slots are counted from 0 on, and so is what is in them, modulo 2^32. */
export interface FrameRing {
  /** The module's memory. When it has grown, its views are others. */
  readonly u8: Uint8Array;
  /** The same, by words. */
  readonly u32: Uint32Array;
  /** How many slots there are, a power of two, less one. */
  readonly mask: number;
  /** Where the first slot's frame begins, two bytes behind a multiple of four. */
  readonly first: number;
  /** Bytes from one slot to the next. */
  readonly stride: number;
  /** Bytes of the longest frame that a slot holds. */
  readonly size: number;
  /** Index in `u32` of the first slot's length. */
  readonly lengths: number;
}

/** A link that does so. Until `onReady` is set, it is one like any other. */
export interface FrameBatches {
  /** Called when there may be frames to take. */
  onReady: (() => void) | undefined;
  /** Puts frames into the slots from `at` on, `room` at most. Returns how many. */
  fill(ring: FrameRing, at: number, room: number): number;
  /** Sends `count` frames from the slots from `at` on. */
  drain(ring: FrameRing, at: number, count: number): void;
}

/** Where the frame of slot `at` begins, and where its length stands. */
export const slotAt = (ring: FrameRing, at: number): number => ring.first + (at & ring.mask) * ring.stride;
export const lengthAt = (ring: FrameRing, at: number): number => ring.lengths + (at & ring.mask);
