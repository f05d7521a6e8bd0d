/** What becomes of frames on a bad path: delay, rate, loss, duplication, reordering and corruption, from a seed. */
import type { Random } from "../random.js";

/** What the wire does to the frames that one port sends. */
export interface Impairment {
  /** One-way delay, µs. */
  delayUs: number;
  /** Bits a second; 0: no limit. */
  rate: number;
  /** Frames that wait for the rate at most; more are dropped. */
  queue: number;
  /** Shares of frames, 0 … 1. */
  loss: number;
  /** Frames that come twice. */
  duplicate: number;
  /** Frames that come later than others that were sent after them. */
  reorder: number;
  /** Frames of which one bit is turned. */
  corrupt: number;
  /** How much later a reordered frame comes, µs at most. */
  reorderUs: number;
}

/** A wire that does nothing to frames, but for a delay of 1 ms. */
export const PERFECT: Impairment = {
  delayUs: 1000, rate: 0, queue: 1000, loss: 0, duplicate: 0, reorder: 0, corrupt: 0, reorderUs: 3000,
};

/** A path of one direction: what is sent on it arrives as the impairment has it. */
export class Path {
  /** Until when the transmitter is busy. */
  busyUs = 0;

  constructor(readonly out: Impairment, readonly random: Random) {}

  /**
   * When a frame that is sent at `nowUs` arrives, and what was done to it; a corrupted one is changed in place. It is
   * told to `arrive` once, twice where it is duplicated, and not at all where it is lost. With a `verdict` chance has
   * no say. Returns whether it arrives.
   */
  send(
    frame: Uint8Array, nowUs: number, verdict: "drop" | "deliver" | undefined,
    arrive: (dueUs: number, fate: string) => void,
  ): boolean {
    const { out, random } = this, spare = verdict !== undefined;
    let at = nowUs, fate = "";
    if (out.rate > 0) {
      const takesUs = (frame.length * 8e6) / out.rate;
      at = Math.max(at, this.busyUs);
      if ((at - nowUs) / takesUs > out.queue) return false;
      this.busyUs = at += takesUs;
    }
    at += out.delayUs;
    if (verdict === "drop" || (!spare && random.chance(out.loss))) return false;
    if (!spare && random.chance(out.corrupt)) {
      frame[random.below(frame.length)]! ^= 1 << random.below(8);
      fate = "corrupted";
    }
    if (!spare && random.chance(out.reorder)) {
      at += 1 + random.below(out.reorderUs);
      fate ||= "reordered";
    }
    arrive(at, fate);
    if (!spare && random.chance(out.duplicate)) arrive(at + 1 + random.below(out.reorderUs), "duplicate");
    return true;
  }
}
