/**
 * The stack as Node's users know networks: connections are Duplex streams (back-pressure, `pipe`, async iteration), servers can be
 * awaited or iterated, errors carry a code.
 *
 *   const stack = await Stack.open({ link: await openTap("tap0"), ip: "10.0.0.2/24" });
 *   for await (const connection of stack.listen({ port: 7 })) connection.pipe(connection);
 */
import { EventEmitter, once } from "node:events";
import { Duplex } from "node:stream";
import { formatIp, parseIp } from "./address.js";
import type { StackOptions } from "./config.js";
import { errName, StintError, type ErrName } from "./errors.js";
import type { Link } from "./links/link.js";
import { Loop, monotonicUs } from "./loop.js";
import { loadModule } from "./module.js";
import { EVENT, StackModule, type OptionName, type TcpInfo } from "./stack.js";

export interface OpenOptions extends StackOptions {
  link: Link;
  /** Another clock than the host's, µs. */
  nowUs?: () => number;
}

/** Whoever gets the events of a handle. */
interface Owner {
  handleEvent(bits: number): void;
}

export class Stack extends EventEmitter {
  readonly module: StackModule;
  #loop: Loop;
  #owners = new Map<number, Owner>();

  /** Starts a stack on a link. */
  static async open(options: OpenOptions): Promise<Stack> {
    return new Stack(options);
  }

  private constructor(options: OpenOptions) {
    super();
    this.module = new StackModule(loadModule(), options);
    this.#loop = new Loop(this.module, options.link, options.nowUs ?? monotonicUs);
    this.#loop.onEvent = (handle, bits) => this.#owners.get(handle)?.handleEvent(bits);
    options.link.onClose = (error) => {
      this.#loop.stop();
      const reason = error ?? new StintError("UNREACHABLE", "the link has closed");
      for (const owner of this.#owners.values()) if (owner instanceof Connection) owner.destroy(reason);
      this.emit("close", error);
    };
  }

  get address(): string {
    return this.module.options.ip.split("/")[0]!;
  }

  /**
   * Opens a connection; rejects with a StintError (REFUSED, TIMED_OUT, UNREACHABLE …). With `failFast` also when the first soft error
   * comes: no neighbour answers, or an ICMP error says that the host cannot be reached. `fastOpen`: `data`, which the server may see twice,
   * goes out with the SYN if the server gave us a cookie before (RFC 7413), as much as one segment takes; else, and the rest, after the handshake.
   */
  async connect(to: { host: string; port: number; localPort?: number; timeoutMs?: number; failFast?: boolean; fastOpen?: boolean; data?: Uint8Array }): Promise<Connection> {
    const handle = this.module.connect(parseIp(to.host), to.port, to.localPort ?? 0);
    const connection = new Connection(this, handle);
    this.own(handle, connection);
    if (to.fastOpen) connection.setOption("fastOpen", true);
    if (to.data !== undefined) connection.write(to.data);
    if (to.timeoutMs !== undefined) {
      const timer = setTimeout(() => connection.destroy(new StintError("TIMED_OUT", "cannot connect")), to.timeoutMs);
      connection.once("connect", () => clearTimeout(timer)).once("close", () => clearTimeout(timer));
    }
    // TCP goes on trying after a soft error (RFC 9293 §3.9.2.2); who asks for it does not.
    const giveUp = (code: ErrName): void => void connection.destroy(new StintError(code));
    if (to.failFast) connection.once("softerror", giveUp);
    await once(connection, "connect");
    connection.off("softerror", giveUp);
    return connection;
  }

  /** Listens, with `fastOpen` also to SYNs that carry text (RFC 7413); `for await` over the server, `accept()` or its "connection" event give the connections. */
  listen(at: { port: number; backlog?: number; fastOpen?: boolean }): Server {
    const handle = this.module.listen(at.port, at.backlog);
    if (at.fastOpen) this.module.setOption(handle, "fastOpen", true);
    const server = new Server(this, handle);
    this.own(handle, server);
    return server;
  }

  udp(at: { port?: number } = {}): UdpSocket {
    const handle = this.module.udpOpen(at.port ?? 0);
    const socket = new UdpSocket(this, handle);
    this.own(handle, socket);
    return socket;
  }

  /** The counters under their MIB names. */
  counters(): ReturnType<StackModule["counters"]> {
    return this.module.counters();
  }

  /** Waits until all connections have ended, `ms` at most, and stops. */
  async close(ms = 3000): Promise<void> {
    const until = performance.now() + ms;
    while (this.module.pools().connections > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
    this.#loop.run();
    this.#loop.stop();
    this.#loop.link.onClose = () => {};
    this.#loop.link.close();
    this.emit("close");
  }

  /** @internal */
  own(handle: number, owner: Owner): void {
    this.#owners.set(handle, owner);
  }

  /** @internal */
  disown(handle: number): void {
    this.#owners.delete(handle);
  }
}

/** One TCP connection. Events beyond a stream's: "connect", "urgent", "stalled" (R1 passed), "softerror". */
export class Connection extends Duplex implements Owner {
  readonly #stack: Stack;
  readonly #handle: number;
  /** A write that waits for room: what is left of it, and whom to tell. */
  #waiting: { data: Uint8Array; done: (error?: Error | null) => void } | undefined;
  #wanted = false;
  #open = true;

  /** @internal */
  constructor(stack: Stack, handle: number) {
    super({ allowHalfOpen: true, highWaterMark: 1 << 18 });
    this.#stack = stack;
    this.#handle = handle;
  }

  get remoteAddress(): string {
    return formatIp(this.info().rip);
  }

  get remotePort(): number {
    return this.info().rport;
  }

  /** The connection's variables, by their names in the RFCs. Throws HANDLE once it is closed. */
  info(): TcpInfo {
    return this.#stack.module.info(this.#handle);
  }

  setOption(option: OptionName, value: number | boolean): void {
    this.#stack.module.setOption(this.#handle, option, value);
  }

  setNoDelay(on = true): this {
    this.setOption("noDelay", on);
    return this;
  }

  setKeepAlive(on = true): this {
    this.setOption("keepAlive", on);
    return this;
  }

  /** @internal */
  handleEvent(bits: number): void {
    if (!this.#open) return;
    if (bits & EVENT.CONNECTED) {
      this.emit("connect");
      this.#flush();
    }
    if (bits & EVENT.URGENT) this.emit("urgent");
    if (bits & EVENT.STALLED) this.emit("stalled");
    if (bits & EVENT.SOFT_ERROR && this.#open) this.emit("softerror", errName(this.info().softError));
    if (bits & (EVENT.READABLE | EVENT.END)) this.#fill();
    if (bits & EVENT.WRITABLE) this.#flush();
    if (bits & EVENT.CLOSED) this.#over();
  }

  #over(): void {
    // Whoever heard of the end that came with it may have let go already.
    if (!this.#open) return;
    const { error } = this.info();
    if (error < 0) this.destroy(new StintError(error));
    else this.#fill();
  }

  override _read(): void {
    this.#wanted = true;
    this.#fill();
  }

  /** Moves what has arrived into the stream, as far as it wants it. */
  #fill(): void {
    while (this.#wanted && this.#open) {
      let data;
      try {
        data = this.#stack.module.receive(this.#handle, 1 << 16);
      } catch (e) {
        this.destroy(e as Error);
        return;
      }
      if (data === null) return;
      if (data.length === 0) {
        this.#wanted = false;
        this.push(null);
      } else {
        this.#wanted = this.push(data);
      }
    }
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#waiting = { data: chunk, done };
    this.#flush();
  }

  #flush(): void {
    const waiting = this.#waiting;
    if (!waiting || !this.#open) return;
    try {
      waiting.data = waiting.data.subarray(this.#stack.module.send(this.#handle, waiting.data));
    } catch (e) {
      this.#waiting = undefined;
      waiting.done(e as Error);
      return;
    }
    if (waiting.data.length > 0) return;
    this.#waiting = undefined;
    waiting.done();
  }

  override _final(done: (error?: Error | null) => void): void {
    try {
      this.#stack.module.shutdown(this.#handle);
      done();
    } catch (e) {
      done(e as Error);
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#open) {
      this.#open = false;
      this.#stack.disown(this.#handle);
      this.#stack.module.close(this.#handle);
    }
    done(error);
  }

  /** Ends the connection at once, with a RST (RFC 9293 §3.10.5). */
  reset(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#stack.disown(this.#handle);
    this.#stack.module.abort(this.#handle);
    this.destroy();
  }
}

/** A listener. */
export class Server extends EventEmitter implements Owner, AsyncIterable<Connection> {
  #stack: Stack;
  #handle: number;
  #waiting: ((connection: Connection | null) => void)[] = [];
  #closed = false;

  /** @internal */
  constructor(stack: Stack, handle: number) {
    super();
    this.#stack = stack;
    this.#handle = handle;
  }

  /** The next connection, or null once the server is closed. */
  accept(): Promise<Connection | null> {
    if (this.#closed) return Promise.resolve(null);
    const next = this.#take();
    return next ? Promise.resolve(next) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Connection> {
    for (let c = await this.accept(); c !== null; c = await this.accept()) yield c;
  }

  #take(): Connection | null {
    const handle = this.#stack.module.accept(this.#handle);
    if (handle === 0) return null;
    const connection = new Connection(this.#stack, handle);
    this.#stack.own(handle, connection);
    return connection;
  }

  /** @internal */
  handleEvent(bits: number): void {
    if (bits & EVENT.DEFENCE) this.emit("defence", this.info().defending);
    while (this.#waiting.length > 0 || this.listenerCount("connection") > 0) {
      const connection = this.#take();
      if (!connection) return;
      const waiting = this.#waiting.shift();
      if (waiting) waiting(connection);
      else this.emit("connection", connection);
    }
  }

  info(): ReturnType<StackModule["listenerInfo"]> {
    return this.#stack.module.listenerInfo(this.#handle);
  }

  /** Stops listening; connections that were accepted go on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stack.disown(this.#handle);
    this.#stack.module.close(this.#handle);
    for (const waiting of this.#waiting) waiting(null);
    this.emit("close");
  }
}

/** A UDP socket: "message" (data, {address, port}) and "error" events. */
export class UdpSocket extends EventEmitter implements Owner {
  constructor(readonly stack: Stack, readonly handle: number) {
    super();
  }

  /** Returns false when the ring is full. */
  send(data: Uint8Array, port: number, host: string): boolean {
    return this.stack.module.udpSend(this.handle, parseIp(host), port, data);
  }

  /** @internal */
  handleEvent(): void {
    try {
      for (let d = this.stack.module.udpReceive(this.handle); d; d = this.stack.module.udpReceive(this.handle)) {
        this.emit("message", d.data, { address: formatIp(d.ip), port: d.port });
      }
    } catch (e) {
      this.emit("error", e);
    }
  }

  close(): void {
    this.stack.disown(this.handle);
    this.stack.module.udpClose(this.handle);
  }
}
