/** Connections by origin: a few at a time, and some that wait for the next request. */
import type { Stack } from "../stack.js";
import { Wire } from "./wire.js";

/** What is asked of a stack. */
export type Dialer = Pick<Stack, "connect">;

interface Lane {
  open: number;
  idle: Wire[];
  /** Who waits for a connection to be free. */
  waiting: (() => void)[];
}

/** Rejects as soon as the signal says so, or has said so; what comes nevertheless is for `late`. */
export function unlessAborted<T>(
  what: Promise<T>, signal: AbortSignal | undefined, late: (value: T) => void = () => {},
): Promise<T> {
  if (!signal) return what;
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      reject(signal.reason as Error);
      what.then(late, () => {});
    };
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    what.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/** Connections by origin, `most` of each at a time; idle ones are kept for `idleMs`, ms. */
export class Pool {
  readonly #lanes = new Map<string, Lane>();
  readonly #timers = new Map<Wire, ReturnType<typeof setTimeout>>();
  #closed = false;

  constructor(readonly stack: Dialer, readonly most: number, readonly idleMs: number) {
    if (!(most >= 1)) throw new RangeError(`connections: ${most} is less than 1`);
    // What timers take; they make 1 ms of more.
    if (!(idleMs >= 0 && idleMs < 2 ** 31)) throw new RangeError(`idleMs: ${idleMs} is not within 0 and 2^31 - 1`);
  }

  #lane(origin: string): Lane {
    let lane = this.#lanes.get(origin);
    if (!lane) this.#lanes.set(origin, (lane = { open: 0, idle: [], waiting: [] }));
    return lane;
  }

  /** A connection to an origin: one that waits, a new one, or the next that is free. */
  async take(url: URL, signal: AbortSignal | undefined): Promise<{ wire: Wire; isFresh: boolean }> {
    let lane: Lane;
    for (;;) {
      signal?.throwIfAborted();
      if (this.#closed) throw new Error("fetch is closed");
      // Another one than before its turn, perhaps.
      lane = this.#lane(url.origin);
      const idle = lane.idle.pop();
      if (idle) {
        this.#forget(idle);
        return { wire: idle, isFresh: false };
      }
      if (lane.open < this.most) break;
      const turn = new Promise<void>((resolve) => lane.waiting.push(resolve));
      // Who does not want his turn any more gives it to the next.
      await unlessAborted(turn, signal, () => this.#wake(url.origin, this.#lane(url.origin)));
    }
    lane.open++;
    const stopper = new AbortController();
    const dial = async (): Promise<Wire> => {
      const to = { host: url.hostname, port: Number(url.port || 80), signal: stopper.signal };
      return new Wire(await this.stack.connect(to), stopper);
    };
    try {
      return { wire: await unlessAborted(dial(), signal, (wire) => wire.stop(signal!.reason)), isFresh: true };
    } catch (e) {
      stopper.abort(e);
      this.#left(url.origin, lane);
      throw e;
    }
  }

  /** Something is free: it is the next one's turn. A lane without connections ends when nobody waits there. */
  #wake(origin: string, lane: Lane): void {
    const next = lane.waiting.shift();
    if (next) next();
    else if (lane.open === 0) this.#lanes.delete(origin);
  }

  #left(origin: string, lane: Lane): void {
    lane.open--;
    this.#wake(origin, lane);
  }

  #forget(wire: Wire): void {
    clearTimeout(this.#timers.get(wire));
    this.#timers.delete(wire);
  }

  /** A request is over: the connection waits for the next one, or ends. */
  give(url: URL, wire: Wire, isReusable: boolean): void {
    const { origin } = url, lane = this.#lane(origin);
    if (!isReusable || this.#closed || !wire.isClean) {
      if (!wire.isOver) wire.end();
      this.#left(origin, lane);
      return;
    }
    const gone = (): void => {
      const at = lane.idle.indexOf(wire);
      if (at < 0) return;
      lane.idle.splice(at, 1);
      this.#forget(wire);
      wire.end();
      this.#left(origin, lane);
    };
    lane.idle.push(wire);
    this.#timers.set(wire, setTimeout(gone, this.idleMs));
    wire.rest(gone);
    this.#wake(origin, lane);
  }

  /** Ends what waits; what is under way goes on, and ends then. */
  close(): void {
    this.#closed = true;
    for (const [origin, lane] of [...this.#lanes]) {
      for (const wire of lane.idle.splice(0)) {
        this.#forget(wire);
        wire.end();
        this.#left(origin, lane);
      }
      for (const turn of lane.waiting.splice(0)) turn();
    }
  }
}
