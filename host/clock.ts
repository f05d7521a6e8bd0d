/** Clocks: the host's own, and one whose time passes only when it is told to. */
import { Queue } from "./queue.js";
import { soon } from "./soon.js";
import { TIMER_MAX } from "./timer.js";

/** What is to be called later, and can be taken back. */
export interface Alarm {
  /** It is not called any more. */
  cancel(): void;
  /** It does not keep the process alive any longer. */
  unref?(): void;
}

/** What a stack and a `Switch` take time from. */
export interface Clock {
  /** The time, µs, which never goes back. */
  nowUs(): number;
  /** Calls `task` once, `us` from now at the earliest, and never before this returns. */
  after(us: number, task: () => void): Alarm;
}

/** The host's monotonic clock, µs. */
export function monotonicUs(): number {
  return performance.now() * 1000;
}

/** The host's clock with another reading of the time. */
export function realTime(nowUs: () => number): Clock {
  return {
    nowUs,
    after(us, task) {
      if (us <= 0) return { cancel: soon(task) };
      // A timer of Node counts whole milliseconds.
      const timer = setTimeout(task, Math.min(Math.ceil(us / 1000), TIMER_MAX));
      // In a browser it is a number.
      return { cancel: () => clearTimeout(timer), unref: () => timer.unref?.() };
    },
  };
}

/** The host's clock. */
export const REAL_TIME: Clock = realTime(monotonicUs);

/**
 * Virtual time: it jumps from one event to the next, and stands still in between, so that a run takes no longer than
 * its work and comes out the same each time.
 *
 * @example
 * ```ts
 * const clock = new VirtualTime(), lan = new Switch({ clock, seed: 1 });
 * const stack = await Stack.open({ link: lan.port({ delayUs: 50_000, loss: 0.1 }), ip: "10.0.0.2/24", clock });
 * await clock.run(() => isDone, 60e6);
 * ```
 */
export class VirtualTime implements Clock {
  #nowUs: number;
  readonly #queue = new Queue<{ task: (() => void) | undefined }>();

  constructor(startUs = 0) {
    this.#nowUs = startUs;
  }

  /** The time, µs. */
  nowUs(): number {
    return this.#nowUs;
  }

  /** Calls `task` once `us` have passed. */
  after(us: number, task: () => void): Alarm {
    const entry: { task: (() => void) | undefined } = { task };
    this.#queue.push(this.#nowUs + Math.max(0, us), entry);
    return { cancel: () => (entry.task = undefined) };
  }

  /**
   * Goes on until `done` says so, nothing is left to do, or the time is `untilUs`. Returns whether `done` ended it.
   * After each event what waits for it in the process (promises, streams) has its turn.
   */
  async run(done: () => boolean, untilUs = Infinity): Promise<boolean> {
    for (;;) {
      await new Promise((turn) => setImmediate(turn));
      if (done()) return true;
      const at = this.#queue.nextUs;
      if (at === Infinity || at > untilUs) {
        if (untilUs !== Infinity) this.#nowUs = Math.max(this.#nowUs, untilUs);
        return false;
      }
      this.#nowUs = at;
      this.#queue.pop().task?.();
    }
  }
}
