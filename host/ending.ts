/**
 * How services and applications end: their connections have a time to take what is left for them, and what is left
 * then is reset and counted.
 */

/** What can end so. */
export interface Endable {
  /** Stops listening, and lets connections end. */
  stop(): void;
  /** Connections with something left that the peer has not acknowledged. */
  left(): number;
  /** Resets what is left. Returns how many connections lost something since `stop`. */
  cut(): number;
  pools(): { connections: number };
}

/** How long peers that have everything have to close their side too, ms. */
const CLOSING_MS = 3000;
/** How long the last frames have to leave the link, ms. */
export const FLUSH_MS = 50;

/** A stack on its way to its end: peers get what is left, and a time to close their side. */
export class Ending {
  #until: number;
  #toldAt: number | undefined;

  /** Begins. `lingerMs` is what peers have to acknowledge what is left. */
  constructor(
    readonly stack: Endable, lingerMs: number, private readonly nowMs: () => number = () => performance.now(),
  ) {
    stack.stop();
    this.#until = nowMs() + lingerMs;
  }

  /** Connections that have not told everything yet. */
  get left(): number {
    return this.stack.left();
  }

  /** Nobody is waited for any longer. */
  hurry(): void {
    this.#until = -Infinity;
  }

  /** Whether there is nothing to wait for, or no time left. */
  isOver(): boolean {
    const now = this.nowMs();
    if (this.stack.pools().connections === 0 || now >= this.#until) return true;
    if (this.left > 0) this.#toldAt = undefined;
    else this.#toldAt ??= now;
    return this.#toldAt !== undefined && now >= this.#toldAt + CLOSING_MS;
  }
}
