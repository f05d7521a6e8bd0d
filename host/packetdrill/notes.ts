/**
 * What only the packets show of a connection: which segments are out that were sent again, and whether ECN slowed it
 * down.
 */
import { FLAG, type StackModule } from "../stack.js";
import type { Socket } from "./socket.js";
import type { TcpSegment } from "./wire.js";

/** Whether a lies behind b (RFC 9293 §3.4). */
const isAfter = (a: number, b: number): boolean => ((a - b) | 0) > 0;

/** Of the one connection under test: fields of a script's `tcp_info` that the module does not keep. */
export class Notes {
  /** The greatest end of what was sent. */
  #sentMax: number | undefined;
  /** The ends of what was sent again and is not acknowledged. */
  #repeats = new Set<number>();
  /** SND.NXT when ECN slowed the connection down. */
  #reducedTo: number | undefined;

  /** Called for each segment of the stack, in order: what ends no later than an earlier one was sent again. */
  sent(s: TcpSegment): void {
    const end = (s.seq + s.len) >>> 0;
    if (s.len === 0) return;
    if (s.flags.includes("SYN") || this.#sentMax === undefined || isAfter(end, this.#sentMax)) this.#sentMax = end;
    else this.#repeats.add(end);
  }

  /** The remote side has these octets. */
  sacked(blocks: [number, number][]): void {
    for (const [from, to] of blocks) {
      for (const end of this.#repeats) if (isAfter(end, from) && !isAfter(end, to)) this.#repeats.delete(end);
    }
  }

  /** How many of the segments that were sent again are still out. */
  repeats(stack: StackModule, s: Socket | undefined): number {
    if (s) {
      const { sndUna } = stack.info(s.handle);
      for (const end of this.#repeats) if (!isAfter(end, sndUna)) this.#repeats.delete(end);
    }
    return this.#repeats.size;
  }

  /** Brings a packet with ECE to the connection, and sees whether that slowed it down (RFC 3168 §6.1.2). */
  echoed(stack: StackModule, s: Socket, bring: () => void): void {
    const before = stack.info(s.handle);
    bring();
    const after = stack.info(s.handle);
    if (after.ssthresh < before.ssthresh && !(after.flags & (FLAG.recovery | FLAG.loss))) {
      this.#reducedTo = before.sndNxt;
    }
  }

  /** Whether the flight is still out that ECN slowed down: Linux's CWR. */
  isReducing(stack: StackModule, s: Socket | undefined): boolean {
    if (!s || this.#reducedTo === undefined) return false;
    if (!isAfter(this.#reducedTo, stack.info(s.handle).sndUna)) this.#reducedTo = undefined;
    return this.#reducedTo !== undefined;
  }
}
