/** One TCP connection, with the manners of `net.Socket`. */
import { addAbortSignal, Duplex } from "node:stream";
import { addressText, familyOf } from "../address6.js";
import { errName, StintError } from "../errors.js";
import { IP6_NAMES } from "../module/layout.js";
import { Timer } from "../timer.js";
import { EVENT, type OptionName, type TcpInfo } from "../stack.js";
import type { Home, Names, Owner, SocketAddress } from "./owner.js";

/** How a connection behaves, whoever opened it. */
export interface ConnectionOptions {
  /** Whether our side stays open when the peer has closed its own. The default is true, unlike that of `net.Socket`. */
  allowHalfOpen?: boolean | undefined;
  /** Sends small segments at once, without Nagle's algorithm (RFC 9293 §3.7.4). By default false. */
  noDelay?: boolean | undefined;
  /** Probes a peer that is silent (RFC 9293 §3.8.4). By default false. */
  keepAlive?: boolean | undefined;
  /** How long the connection is idle before the first probe, ms. */
  keepAliveInitialDelay?: number | undefined;
}

/** Whether a listener took the connection, or a program of ours opened it. */
type Origin = "accepted" | "opened";

/** Bytes that the stream takes in before it asks its writer to wait, and that it reads ahead. */
const HIGH_WATER = 1 << 18;
/** Bytes that are taken from the module in one piece. */
const CHUNK = 1 << 16;

/**
 * A TCP connection: a Duplex stream of bytes, which `pipe`, `for await` and back-pressure work on.
 * `Stack.connect` and `Server` make them.
 *
 * Events beyond those of `net.Socket`: "urgent", "stalled" (R1 of RFC 9293 §3.8.3 passed), "softerror" (an error's
 * name), "lost" (it was closed, and the peer did not get its last bytes: long after "close" perhaps).
 * An "error" is a StintError, whose `code` is RESET, TIMED_OUT, UNREACHABLE or another name of `ERR`.
 *
 * @example
 * ```ts
 * const connection = await stack.connect({ host: "10.0.0.1", port: 7 });
 * connection.end("hello");
 * for await (const bytes of connection) console.log(bytes.toString());
 * ```
 */
export class Connection extends Duplex implements Owner {
  readonly #home: Home;
  readonly #handle: number;
  readonly #accepted: boolean;
  /** A write that waits for room: what is left of it, and whom to tell. */
  #waiting: { data: Uint8Array; done: (error?: Error | null) => void } | undefined;
  /** Whether the stream wants more to read. */
  #wanted = false;
  /** Whether the handle is ours. */
  #open = true;
  #aborts = false;
  #names: Names | undefined;
  #ends: { local: string; remote: string } | undefined;
  #timer: Timer | undefined;
  #refed = true;
  #sent = 0;
  /** How much of the write that waits the module has. */
  #begun = 0;
  /** Bytes that have come, and that the stream has taken. */
  bytesRead = 0;
  /** Whether the handshake is not complete yet. */
  connecting: boolean;
  /** As `setTimeout` set it, ms. */
  timeout: number | undefined;

  /** @internal */
  constructor(
    home: Home, handle: number, origin: Origin,
    options: ConnectionOptions & { signal?: AbortSignal | undefined } = {},
  ) {
    super({ allowHalfOpen: options.allowHalfOpen ?? true, highWaterMark: HIGH_WATER, emitClose: false });
    this.#home = home;
    this.#handle = handle;
    this.#accepted = origin === "accepted";
    this.connecting = !this.#accepted;
    if (handle === 0) {
      this.#open = false;
      return;
    }
    home.own(handle, this);
    const names = (this.#names = home.module.names(handle));
    // The texts of IPv6 addresses, which are 240/4 in the module, are taken while they are sure to be known.
    if (names.rip >= IP6_NAMES) this.#name();
    if (options.noDelay) this.setNoDelay();
    if (options.keepAlive) this.setKeepAlive(true, options.keepAliveInitialDelay);
    if (options.signal) addAbortSignal(options.signal, this);
  }

  // Who is connected to whom; all of it stays known after the end.

  /** Both addresses, as texts. */
  #name(): { local: string; remote: string } | undefined {
    const { module } = this.#home, names = this.#names;
    if (names) this.#ends ??= { local: addressText(module, names.lip), remote: addressText(module, names.rip) };
    return this.#ends;
  }

  /** The peer's address. */
  get remoteAddress(): string | undefined {
    return this.#name()?.remote;
  }

  /** The peer's port. */
  get remotePort(): number | undefined {
    return this.#names?.rport;
  }

  /** "IPv4" or "IPv6". */
  get remoteFamily(): string | undefined {
    return this.#names && familyOf(this.remoteAddress!);
  }

  /** Our own address. */
  get localAddress(): string | undefined {
    return this.#name()?.local;
  }

  /** Our own port. */
  get localPort(): number | undefined {
    return this.#names?.lport;
  }

  /** "IPv4" or "IPv6". */
  get localFamily(): string | undefined {
    return this.#names && familyOf(this.localAddress!);
  }

  /** Our own end; empty when there never was a connection. */
  address(): SocketAddress | Record<string, never> {
    const ends = this.#name();
    return ends ? { address: ends.local, family: familyOf(ends.local), port: this.#names!.lport } : {};
  }

  // How it is

  /** Bytes that were written, those included that wait in the stream. */
  get bytesWritten(): number {
    return this.#sent + this.writableLength - (this.#waiting ? this.#begun : 0);
  }

  /** The same as `connecting`. */
  get pending(): boolean {
    return this.connecting;
  }

  /** Which directions are open, as `net.Socket` names them. */
  get readyState(): "opening" | "open" | "readOnly" | "writeOnly" | "closed" {
    if (this.connecting) return "opening";
    if (this.readable) return this.writable ? "open" : "readOnly";
    return this.writable ? "writeOnly" : "closed";
  }

  /** The connection's variables, by their names in the RFCs. Throws HANDLE once it is closed. */
  info(): TcpInfo {
    if (!this.#open) throw new StintError("HANDLE");
    return this.#home.module.info(this.#handle);
  }

  // Settings; on a connection that is over they do nothing.

  /**
   * Sets an option of the module, in its unit (docs/reference/calls.md). Throws HANDLE once it is closed, ARGUMENT for
   * a value out of range.
   */
  setOption(option: OptionName, value: number | boolean): void {
    if (!this.#open) throw new StintError("HANDLE", `cannot set ${option}`);
    this.#home.module.setOption(this.#handle, option, value);
  }

  /** Whether small segments are sent at once, without Nagle's algorithm. */
  setNoDelay(on = true): this {
    if (this.#open) this.setOption("noDelay", on);
    return this;
  }

  /** With `initialDelayMs` also how long the connection is idle before the first probe; 0 leaves that as it is. */
  setKeepAlive(on = false, initialDelayMs = 0): this {
    if (!this.#open) return this;
    if (initialDelayMs > 0) this.setOption("keepIdleS", Math.min(Math.ceil(initialDelayMs / 1000), 65535));
    this.setOption("keepAlive", on);
    return this;
  }

  /** After `ms` without bytes either way a "timeout" event comes; 0: never. The connection goes on. */
  setTimeout(ms: number, listener?: () => void): this {
    this.#timer?.clear();
    this.#timer = undefined;
    this.timeout = ms;
    if (ms > 0 && !this.destroyed) {
      this.#timer = new Timer(ms, () => this.emit("timeout"));
      if (!this.#refed) this.#timer.unref();
      if (listener) this.once("timeout", listener);
    } else if (listener) {
      this.off("timeout", listener);
    }
    return this;
  }

  /** Lets the process end although this connection's own timer runs. The stack's link keeps it alive nevertheless. */
  unref(): this {
    this.#refed = false;
    this.#timer?.unref();
    return this;
  }

  /** Takes `unref` back. */
  ref(): this {
    this.#refed = true;
    this.#timer?.ref();
    return this;
  }

  // Events

  /** @internal */
  handleEvent(bits: number): void {
    if (!this.#open) return;
    if (bits & EVENT.CONNECTED) this.#connected();
    if (bits & EVENT.URGENT && this.#open) this.emit("urgent");
    if (bits & EVENT.STALLED && this.#open) this.emit("stalled");
    if (bits & EVENT.SOFT_ERROR && this.#open) this.emit("softerror", errName(this.info().softError));
    if (bits & (EVENT.READABLE | EVENT.END)) this.#fill();
    if (bits & EVENT.WRITABLE) this.#flush();
    if (bits & EVENT.CLOSED) this.#over();
  }

  #connected(): void {
    this.connecting = false;
    this.#timer?.refresh();
    this.emit("connect");
    this.emit("ready");
    this.#flush();
  }

  #over(): void {
    // Whoever heard of the end that came with it may have let go already.
    if (!this.#open) return;
    const { error } = this.info();
    if (error < 0) this.destroy(new StintError(error));
    else this.#fill();
  }

  /** @internal */
  stackEnds(reason: Error | undefined): void {
    if (this.#open && (this.writableLength > 0 || this.info().sndSize > 0)) this.#home.lost(this);
    this.#aborts = true;
    if (reason) this.destroy(reason);
    else this.destroy();
  }

  /**
   * A server does not end because a client went away: an error of a connection that was accepted, for which nobody
   * listens, closes that connection and nothing else. On connections that we opened it throws, as with every stream.
   */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === "error" && this.#accepted && args[0] instanceof StintError && this.listenerCount("error") === 0)
      return false;
    return super.emit(event as "error", ...(args as [Error]));
  }

  // The stream

  /** @internal */
  override _read(): void {
    this.#wanted = true;
    this.#fill();
  }

  /** Moves what has arrived into the stream, as far as it wants it. */
  #fill(): void {
    while (this.#wanted && this.#open) {
      let data;
      try {
        data = this.#home.module.receive(this.#handle, CHUNK);
      } catch (e) {
        this.destroy(e as Error);
        return;
      }
      if (data === null) return;
      this.#timer?.refresh();
      this.bytesRead += data.length;
      if (data.length === 0) {
        this.#wanted = false;
        this.push(null);
      } else {
        this.#wanted = this.push(data);
      }
    }
  }

  /** @internal */
  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#waiting = { data: chunk, done };
    this.#begun = 0;
    this.#flush();
  }

  #flush(): void {
    const waiting = this.#waiting;
    if (!waiting || !this.#open) return;
    let sent;
    try {
      sent = this.#home.module.send(this.#handle, waiting.data);
    } catch (e) {
      this.#settle(e as Error);
      return;
    }
    if (sent > 0) this.#timer?.refresh();
    this.#sent += sent;
    this.#begun += sent;
    waiting.data = waiting.data.subarray(sent);
    if (waiting.data.length === 0) this.#settle();
  }

  /** Tells whoever waits for the write: those behind it wait for that. */
  #settle(error?: Error): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.done(error);
  }

  /** A stream that was destroyed without an error never tells who ends it then; this one does. */
  override end(...args: unknown[]): this {
    const done = args.at(-1);
    if (this.destroyed && !this.writableFinished && typeof done === "function") {
      args.pop();
      process.nextTick(done, new StintError("ABORTED", "cannot send"));
    }
    return super.end(...(args as [unknown]));
  }

  /** @internal */
  override _final(done: (error?: Error | null) => void): void {
    try {
      if (this.#open) this.#home.module.shutdown(this.#handle);
      done();
    } catch (e) {
      done(e as Error);
    }
  }

  /**
   * What was written is still sent, unless it ends with a RST; `Stack.close` waits for that.
   * @internal
   */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#timer?.clear();
    this.connecting = false;
    this.#letGo();
    done(error);
    // Nobody is called within his own call.
    process.nextTick(() => this.#settle(error ?? new StintError("ABORTED", "cannot send")));
    process.nextTick(() => this.emit("close", error !== null));
  }

  #letGo(): void {
    if (!this.#open) return;
    const { module } = this.#home;
    this.#name();
    this.#open = false;
    this.#home.disown(this.#handle);
    if (this.#aborts) module.abort(this.#handle);
    else this.#home.linger(this.#handle, this.#names!, this);
  }

  /** Ends our side when all was written, then lets go of the connection. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  /** Ends the connection at once, with a RST (RFC 9293 §3.10.5). */
  resetAndDestroy(): this {
    this.#aborts = true;
    return this.destroy();
  }

  /** The same as `resetAndDestroy`. */
  reset(): void {
    this.resetAndDestroy();
  }
}
