/** `net.Server` over a stack. */
import { captureRejectionSymbol, EventEmitter } from "node:events";
import { isIP } from "node:net";
import { familyOf } from "../address6.js";
import type { Connection } from "../net/connection.js";
import type { Server as Listener } from "../net/listener.js";
import type { SocketAddress } from "../net/owner.js";
import type { Stack } from "../net/stack.js";
import { listenArguments, type ListenOptions, type Settings } from "./arguments.js";
import { hold, letGo, theStack } from "./default.js";
import { asSystemError, checkFunction, misuse, systemError } from "./errors.js";
import { addressesOf } from "./names.js";
import { Socket } from "./socket.js";

export interface ServerOptions extends Settings {
  /** Nothing is read from a connection until its `resume` is called. */
  pauseOnConnect?: boolean | undefined;
}

/** As Node's own. */
const BACKLOG = 511;
const ANY = new Set(["", "0.0.0.0", "::"]);

/** Events: those of `net.Server`. */
export class Server extends EventEmitter {
  readonly #options: ServerOptions;
  #listener: Listener | undefined;
  #host = "0.0.0.0";
  /** A `listen` that waits for its stack or for a name. */
  #opening: object | undefined;
  #connections = 0;
  #refed = true;
  maxConnections: number | undefined;

  constructor(options?: ServerOptions | ((socket: Socket) => void) | null, connected?: (socket: Socket) => void) {
    super();
    const listener = typeof options === "function" ? options : connected;
    if (options !== undefined && options !== null && typeof options !== "object" && typeof options !== "function") {
      throw misuse(
        "ERR_INVALID_ARG_TYPE",
        `The "options" argument must be of type object. Received type ${typeof options}`,
        TypeError,
      );
    }
    if (listener !== undefined) {
      checkFunction("connectionListener", listener);
      this.on("connection", listener);
    }
    this.#options = typeof options === "object" && options !== null ? options : {};
  }

  /**
   * Returns before it listens; "listening" or "error" follows. Throws if it listens already. `backlog` is 511 by
   * default, port 0 any that is free; an aborted `signal` closes the server.
   */
  listen(options: ListenOptions, listening?: () => void): this;
  listen(listening?: () => void): this;
  listen(port: number | string | null | undefined, listening?: () => void): this;
  listen(port: number | string, backlog: number, listening?: () => void): this;
  listen(port: number | string, host: string, listening?: () => void): this;
  listen(port: number | string, host: string, backlog: number, listening?: () => void): this;
  listen(...args: unknown[]): this {
    if (this.#listener || this.#opening)
      throw misuse("ERR_SERVER_ALREADY_LISTEN", "Listen method has been called more than once without closing.");
    const [options, listening] = listenArguments(args),
      { host = "", signal } = options;
    const stack = this.#options.stack ?? theStack();
    if (listening) this.once("listening", listening);
    if (signal?.aborted) process.nextTick(() => this.close());
    else signal?.addEventListener("abort", () => this.close(), { once: true });
    const opening = (this.#opening = {});
    const mine = (go: () => void): void => {
      if (this.#opening !== opening) return;
      go();
    };
    const fail = (error: Error): void => mine(() => this.#fail(error));
    const go = (open: Stack): void =>
      mine(() => {
        if (ANY.has(host) || isIP(host) !== 0) return this.#open(open, host, options);
        addressesOf(open, host, {}, (error, [address]) =>
          error ? fail(error) : mine(() => this.#open(open, address!, options)),
        );
      });
    if (stack instanceof Promise) stack.then(go, fail);
    else go(stack);
    return this;
  }

  #fail(error: Error): void {
    this.#opening = undefined;
    process.nextTick(() => this.emit("error", error));
  }

  #open(stack: Stack, host: string, { port, backlog = BACKLOG }: ListenOptions & { port: number }): void {
    const any = ANY.has(host),
      address = host === "::" && stack.hasIp6 ? host : any ? "0.0.0.0" : host,
      where = { address, port };
    if (!any && !stack.isOwn(host))
      return this.#fail(systemError("listen", "EADDRNOTAVAIL", where));
    let listener: Listener;
    try {
      listener = stack.listen({ port, backlog: Math.max(1, backlog), allowHalfOpen: true, ...(any ? {} : { host }) });
    } catch (e) {
      return this.#fail(asSystemError(e, "listen", where));
    }
    this.#opening = undefined;
    this.#listener = listener;
    this.#host = where.address;
    listener.on("connection", (connection: Connection) => this.#accept(connection));
    listener.on("close", () => {
      // Its stack was closed.
      if (this.#listener === listener) this.close();
    });
    if (this.#refed) hold(this);
    process.nextTick(() => {
      if (this.#listener === listener) this.emit("listening");
    });
  }

  #accept(connection: Connection): void {
    const { maxConnections } = this;
    if (typeof maxConnections === "number" && this.#connections >= maxConnections) {
      const { localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily } = connection;
      connection.destroy();
      this.emit("drop", { localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily });
      return;
    }
    this.#connections++;
    const { pauseOnConnect: paused, stack: _stack, ...settings } = this.#options;
    this.emit(
      "connection",
      Socket.around(connection, { ...settings, paused }, this, () => {
        this.#connections--;
        this.#tellIfOver();
      }),
    );
  }

  get listening(): boolean {
    return this.#listener !== undefined;
  }

  /** null before "listening" and after `close`. */
  address(): SocketAddress | null {
    const address = this.#host;
    return this.#listener ? { address, family: familyOf(address), port: this.#listener.port } : null;
  }

  /** How many accepted connections are open: told in the next tick, never with an error. */
  getConnections(tell: (error: Error | null, count: number) => void): this {
    process.nextTick(() => tell(null, this.#connections));
    return this;
  }

  /** Stops listening; "close" comes when its connections are closed, too. */
  close(closed?: (error?: Error) => void): this {
    if (typeof closed === "function") {
      const running = this.#listener !== undefined;
      this.once("close", () =>
        running ? closed() : closed(misuse("ERR_SERVER_NOT_RUNNING", "Server is not running.")),
      );
    }
    const listener = this.#listener;
    this.#listener = this.#opening = undefined;
    listener?.close();
    letGo(this);
    this.#tellIfOver();
    return this;
  }

  #tellIfOver(): void {
    if (this.#listener || this.#opening || this.#connections > 0) return;
    process.nextTick(() => this.emit("close"));
  }

  /** The process stays alive while this listens, which is the default. */
  ref(): this {
    this.#refed = true;
    if (this.#listener) hold(this);
    return this;
  }

  /** The process may end while this listens. Its connections still hold it while they read or write. */
  unref(): this {
    this.#refed = false;
    letGo(this);
    return this;
  }

  /** A listener for "connection" that rejects ends that connection (`events.captureRejections`). */
  override [captureRejectionSymbol](error: Error, event: string, ...args: unknown[]): void {
    if (event === "connection") (args[0] as Socket).destroy(error);
    else this.emit("error", error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#listener) await new Promise<void>((resolve) => this.close(() => resolve()));
  }
}
