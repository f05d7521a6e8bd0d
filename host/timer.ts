/** Timers of any length: a timer of Node counts up to 2^31 − 1 ms, and takes what is longer, or for ever, for 1 ms. */

/** What a timer of Node counts at most, ms. */
export const TIMER_MAX = 0x7fffffff;

/** Calls `tell` after `ms`, once; with Infinity never. */
export class Timer {
  #timer: NodeJS.Timeout | undefined;
  #left = 0;
  #refed = true;

  constructor(readonly ms: number, readonly tell: () => void) {
    this.#arm(ms);
  }

  #arm(left: number): void {
    this.#left = left;
    this.#timer = setTimeout(() => {
      if (this.#left > TIMER_MAX) this.#arm(this.#left - TIMER_MAX);
      else this.tell();
    }, Math.min(left, TIMER_MAX));
    if (!this.#refed) this.#timer.unref();
  }

  /** The time begins anew. */
  refresh(): void {
    if (this.#left === this.ms) {
      this.#timer?.refresh();
      return;
    }
    this.clear();
    this.#arm(this.ms);
  }

  /** It does not tell any more, until `refresh`. */
  clear(): void {
    clearTimeout(this.#timer);
  }

  /** It keeps the process alive while it runs. */
  ref(): void {
    this.#refed = true;
    this.#timer?.ref();
  }

  /** Lets the process end although it runs. */
  unref(): void {
    this.#refed = false;
    this.#timer?.unref();
  }
}
