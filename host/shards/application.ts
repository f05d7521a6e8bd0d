/**
 * The stack of an application in a thread. It knows who is connected, whatever the application keeps of that: when the
 * thread ends, no peer is left without a word.
 */
import type { StackOptions } from "../config.js";
import type { Endable } from "../ending.js";
import { ERR } from "../errors.js";
import { loadModule } from "../module.js";
import { Lingering } from "../net/linger.js";
import { StackModule, type Exports } from "../stack.js";

/**
 * What an application is, in each shard: it is given its stack, and returns what is called after each poll; true: poll
 * again. The signal says that the thread is to end: listeners are closed by then, and connections have a time to be.
 */
export type Serve = (stack: StackModule, signal: AbortSignal) => () => boolean;

/** How often connections that were closed are asked whether everything was acknowledged, µs. */
const LOOK_US = 20_000;

/** A stack whose open connections are known, so that the thread can end them. */
export class ApplicationStack extends StackModule implements Endable {
  readonly #listeners = new Set<number>();
  readonly #open = new Set<number>();
  /** Those that the application has closed; each keeps its handle until the peer has everything. */
  readonly #closed = new Map<number, Lingering>();
  /** What the module exports, not watched. */
  readonly #real: Exports;
  readonly #ends = new AbortController();
  #lookAt = 0;
  #cut = 0;

  constructor(options: StackOptions) {
    super(loadModule(), options);
    this.#real = { ...this.exports };
    this.#listen();
    this.#watch();
  }

  get signal(): AbortSignal {
    return this.#ends.signal;
  }

  // Applications may call what the module exports, too: so the calls themselves are watched.

  #listen(): void {
    const real = this.#real, { exports } = this;
    const kept = (set: Set<number>, handle: number): number => {
      if (handle > 0) set.add(handle);
      return handle;
    };
    exports.tcp_listen = (...to) => (this.signal.aborted ? ERR.STATE : kept(this.#listeners, real.tcp_listen(...to)));
    exports.tcp_connect = (...to) => kept(this.#open, real.tcp_connect(...to));
    exports.tcp_accept = (listener) => kept(this.#open, real.tcp_accept(listener));
  }

  #watch(): void {
    const { exports } = this;
    exports.tcp_close = (handle) => {
      if (this.#closed.has(handle)) return ERR.HANDLE;
      this.#listeners.delete(handle);
      return this.#open.delete(handle) && this.#linger(handle) ? 0 : this.#real.tcp_close(handle);
    };
    exports.tcp_abort = (handle) => {
      if (this.#closed.has(handle)) return ERR.HANDLE;
      this.#open.delete(handle);
      return this.#real.tcp_abort(handle);
    };
    exports.event_next = () => {
      for (;;) {
        const event = this.#real.event_next(), closed = this.#closed.get(Number(event >> 32n));
        if (closed === undefined) return event;
        closed.handleEvent(Number(event & 0xffffffffn));
      }
    };
  }

  /** Keeps a connection that is being closed, if it has something to tell yet. */
  #linger(handle: number): boolean {
    const { stateName } = this.info(handle);
    // Data that nobody took: the peer is told with a RST (RFC 9293 §3.6.1).
    if (stateName === "SYN-SENT" || stateName === "CLOSED" || this.receivable(handle) > 0) return false;
    this.shutdown(handle);
    const module = {
      info: (h: number) => this.info(h),
      receivable: (h: number) => this.receivable(h),
      flowState: (...names: Parameters<StackModule["flowState"]>) => this.flowState(...names),
      abort: (h: number) => void this.#real.tcp_abort(h),
      close: (h: number) => void this.#real.tcp_close(h),
    };
    const lingering = new Lingering({ module }, handle, this.names(handle), (lost) => {
      this.#closed.delete(handle);
      if (lost && this.signal.aborted) this.#cut++;
    });
    this.#closed.set(handle, lingering);
    return true;
  }

  override poll(nowUs: number): number {
    const wait = super.poll(nowUs);
    if (this.#closed.size === 0) return wait;
    if (nowUs >= this.#lookAt) {
      this.#lookAt = nowUs + LOOK_US;
      for (const closed of [...this.#closed.values()]) closed.look();
    }
    return wait < 0 ? LOOK_US : Math.min(wait, LOOK_US);
  }

  stop(): void {
    for (const listener of this.#listeners) this.#real.tcp_close(listener);
    this.#listeners.clear();
    this.#ends.abort();
    this.onWork();
  }

  #isUnacknowledged(handle: number): boolean {
    const { stateName, sndSize } = this.info(handle);
    return stateName !== "CLOSED" && sndSize > 0;
  }

  left(): number {
    return this.#closed.size + [...this.#open].filter((handle) => this.#isUnacknowledged(handle)).length;
  }

  cut(): number {
    for (const closed of [...this.#closed.values()]) closed.reset();
    for (const handle of this.#open) {
      if (this.#isUnacknowledged(handle)) this.#cut++;
      this.#real.tcp_abort(handle);
    }
    this.#open.clear();
    this.onWork();
    return this.#cut;
  }
}
