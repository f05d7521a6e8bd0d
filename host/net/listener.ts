/** A listener: its connections come by `for await`, by `accept()` or with its "connection" event. */
import { familyOf } from "../address6.js";
import { AbortError } from "../errors.js";
import { EVENT, type ListenerInfo } from "../stack.js";
import { Bound } from "./bound.js";
import { Connection, type ConnectionOptions } from "./connection.js";
import type { Home, SocketAddress } from "./owner.js";

interface Waiting { resolve: (connection: Connection | null) => void; reject: (reason: Error) => void }

/**
 * What listens on a port. Events: "connection" (a Connection), "defence" (whether the handshake is defended with
 * cookies now), "close".
 *
 * @example
 * ```ts
 * for await (const connection of stack.listen({ port: 7 })) connection.pipe(connection);
 * ```
 */
export class Server extends Bound implements AsyncIterable<Connection> {
  readonly #options: ConnectionOptions & { host?: string | undefined };
  #waiting: Waiting[] = [];
  /** Why there will be no more connections, if not because of `close`. */
  #reason: Error | undefined;

  /** @internal */
  constructor(home: Home, handle: number, port: number, options: ConnectionOptions & { host?: string | undefined }) {
    super(home, handle, port);
    this.#options = options;
    // Clients that came before somebody listens for them are not forgotten.
    this.on("newListener", (name) => {
      if (name === "connection") setImmediate(() => this.#handOut());
    });
  }

  /** Whether it has not been closed. */
  get listening(): boolean {
    return !this.closed;
  }

  /** Where it listens; null once it is closed. */
  address(): SocketAddress | null {
    if (this.closed) return null;
    const { host } = this.#options, address = host?.includes(":") ? host : this.home.address;
    return { address, family: familyOf(address), port: this.port };
  }

  /**
   * The next connection, or null once the server is closed. Rejects when the stack loses its link, and, with an
   * AbortError, when `signal` says so.
   */
  accept(options: { signal?: AbortSignal } = {}): Promise<Connection | null> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(new AbortError(signal));
    if (this.closed) return this.#reason ? Promise.reject(this.#reason) : Promise.resolve(null);
    const next = this.#take();
    if (next) return Promise.resolve(next);
    return new Promise((resolve, reject) => {
      const aborted = (): void => {
        this.#waiting = this.#waiting.filter((w) => w !== waiting);
        reject(new AbortError(signal!));
      };
      const waiting: Waiting = {
        resolve(connection) {
          signal?.removeEventListener("abort", aborted);
          resolve(connection);
        },
        reject(reason) {
          signal?.removeEventListener("abort", aborted);
          reject(reason);
        },
      };
      signal?.addEventListener("abort", aborted, { once: true });
      this.#waiting.push(waiting);
    });
  }

  /** The connections, one after the other, until the server is closed. Throws when the stack loses its link. */
  async *[Symbol.asyncIterator](): AsyncIterator<Connection> {
    for (let c = await this.accept(); c !== null; c = await this.accept()) yield c;
  }

  #take(): Connection | null {
    const handle = this.home.module.accept(this.handle);
    return handle === 0 ? null : new Connection(this.home, handle, "accepted", this.#options);
  }

  /** @internal */
  handleEvent(bits: number): void {
    if (bits & EVENT.DEFENCE) this.emit("defence", this.info().defending);
    this.#handOut();
  }

  #handOut(): void {
    while (!this.closed && (this.#waiting.length > 0 || this.listenerCount("connection") > 0)) {
      const connection = this.#take();
      if (!connection) return;
      const waiting = this.#waiting.shift();
      if (waiting) waiting.resolve(connection);
      else this.emit("connection", connection);
    }
  }

  /** How many handshakes are under way, and how many connections wait to be accepted. Throws HANDLE once closed. */
  info(): ListenerInfo {
    return this.home.module.listenerInfo(this.handle);
  }

  /** @internal */
  stackEnds(reason: Error | undefined): void {
    this.#reason = reason;
    this.close();
  }

  /** It stops listening: clients that nobody has accepted get a RST, connections that were accepted go on. */
  protected override release(): void {
    this.home.module.close(this.handle);
    for (const waiting of this.#waiting) {
      if (this.#reason) waiting.reject(this.#reason);
      else waiting.resolve(null);
    }
    this.#waiting = [];
  }
}
