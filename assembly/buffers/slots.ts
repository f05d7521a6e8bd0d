// Rings of frame slots: one producer, one consumer, free-running u32 indices, a length a slot. The host finds them
// through the control block. A frame lies FRAME_OFFSET bytes into its slot.

import { OWNERSHIP } from "../features";
import { take, layoutCommits } from "../core/layout";
import { allow, forbid, spaced } from "../core/own";
import { config, FRAME_OFFSET, ETHERNET_SIZE } from "../config";

@unmanaged export class SlotRing {
  /** Frames taken out so far; the consumer writes it. */
  head: u32;
  /** Frames put in so far; the producer writes it. */
  tail: u32;
  /** Number of slots, a power of two, less one. */
  mask: u32;
  /** Address of slot 0. */
  slots: u32;
  /** Bytes from one slot to the next. */
  stride: u32;
  /** Address of the u32 lengths, one a slot. */
  lengths: u32;
}

/** Bytes of a slot, for a link of this MTU. */
export function slotStride(mtu: u32): u32 {
  const size = (FRAME_OFFSET + ETHERNET_SIZE + mtu + 3) & ~3;
  return OWNERSHIP ? spaced(size) : size;
}

/** Lays out `count` slots (0: none) and describes them in `ring`. */
export function slotsInit(ring: usize, count: u32, mtu: u32): void {
  const stride = slotStride(mtu);
  const lengths = take(count, 4), slots = take(count, stride);
  if (!layoutCommits()) return;
  if (OWNERSHIP) forbid(slots, count * stride);
  const r = changetype<SlotRing>(ring);
  r.head = 0;
  r.tail = 0;
  r.mask = count == 0 ? 0 : count - 1;
  r.slots = <u32>slots;
  r.stride = stride;
  r.lengths = <u32>lengths;
}

export function slotsUsed(r: SlotRing): u32 {
  return r.tail - r.head;
}

export function slotsFull(r: SlotRing): bool {
  return r.lengths == r.slots || r.tail - r.head > r.mask;
}

/** Address of the frame that is next to be consumed. */
export function slotFirst(r: SlotRing): usize {
  return <usize>(r.slots + (r.head & r.mask) * r.stride + FRAME_OFFSET);
}

/** Its length, as the producer claims it. */
export function slotFirstSize(r: SlotRing): u32 {
  return load<u32>(<usize>(r.lengths + ((r.head & r.mask) << 2)));
}

export function slotConsume(r: SlotRing): void {
  if (OWNERSHIP) forbid(slotFirst(r), r.stride - FRAME_OFFSET);
  r.head++;
}

/** The frame that is next to be consumed is read from now on, and nothing behind it. */
export function slotBegin(r: SlotRing, mtu: u32): void {
  if (OWNERSHIP) allow(slotFirst(r), min(slotFirstSize(r), ETHERNET_SIZE + mtu));
}

/** The frames that were produced are the consumer's. */
export function slotsEnd(r: SlotRing): void {
  if (OWNERSHIP && r.slots != r.lengths) forbid(r.slots, (r.mask + 1) * r.stride);
}

/** Address for the next frame to be produced, of a link of this MTU. Only while the ring is not full. */
export function slotNext(r: SlotRing): usize {
  assert(!slotsFull(r));
  if (OWNERSHIP) allow(r.slots + (r.tail & r.mask) * r.stride + FRAME_OFFSET, ETHERNET_SIZE + config.mtu);
  return <usize>(r.slots + (r.tail & r.mask) * r.stride + FRAME_OFFSET);
}

/** Hands the frame at `slotNext` over. */
export function slotProduce(r: SlotRing, size: u32): void {
  if (OWNERSHIP) forbid(slotNext(r) + size, r.stride - FRAME_OFFSET - size);
  store<u32>(<usize>(r.lengths + ((r.tail & r.mask) << 2)), size);
  r.tail++;
}
