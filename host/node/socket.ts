/** `net.Socket` over a stack: around a connection, which there is from `connect` on. */
import { isIP } from "node:net";
import { addAbortSignal, Duplex } from "node:stream";
import type { Connection } from "../net/connection.js";
import { inTurn } from "../net/eyeballs.js";
import type { SocketAddress } from "../net/owner.js";
import type { Stack } from "../net/stack.js";
import { Timer } from "../timer.js";
import {
  checkConnect, checkSocket, connectArguments, patienceOf, type ConnectOptions, type SocketOptions,
} from "./arguments.js";
import { hold, letGo, theStack } from "./default.js";
import { asSystemError, checkFunction, checkMs, misuse, systemError } from "./errors.js";
import { addressesOf } from "./names.js";

type Done = (error?: Error | null) => void;
/** One call of `connect`: where to, and what has failed. */
interface Attempt {
  options: ConnectOptions;
  host: string;
  port: number;
  stack: Stack;
  left: string[];
  errors: Error[];
  /** Which address is at it: another object for each. */
  turn?: object;
}

const destroyed = (): Error => misuse("ERR_STREAM_DESTROYED", "Cannot call write after a stream was destroyed");

/** Whether `localAddress` names one: "::" and "0.0.0.0" leave it to the stack, and so does what is nothing. */
const isChosen = (own: string | null | undefined): own is string => Boolean(own) && own !== "0.0.0.0" && own !== "::";

/** What a getter says of the prototype, of which programs ask it, too. */
const NOTHING = undefined as unknown as number;

/** Events: those of `net.Socket`. */
export class Socket extends Duplex {
  readonly #options: SocketOptions;
  #inner: Connection | undefined;
  #attempt: object | undefined;
  /** Writes, and the end, that wait for the handshake. */
  #waiting: ((error?: Error) => void)[] = [];
  /** There was a connection: its addresses stay known. */
  #opened = false;
  #ended = false;
  /** The peer has reset after its end: as with the kernel's sockets, the next write tells. */
  #broken = false;
  #resets = false;
  #refed = true;
  #written = 0;
  #read = 0;
  /** Bytes are asked for: as with the kernel's, only who reads, writes or connects keeps the process alive. */
  #reading = false;
  /** The caller's own `lookup` is at it: whether the process waits for that is its own affair. */
  #elsewhere = false;
  #timer: Timer | undefined;
  /** Runs while an address that is tried has others behind it. */
  #patience: Timer | undefined;
  #noDelay: boolean | undefined;
  #keepAlive: [on: boolean, delayMs: number] | undefined;
  /** What `onread` had no room or no wish for. */
  #rest: Uint8Array | undefined;
  #gone: (() => void) | undefined;
  connecting = false;
  /** As `setTimeout` set it, ms. */
  timeout: number | undefined;
  /** The server that accepted it. */
  server: unknown;
  autoSelectFamilyAttemptedAddresses: string[] | undefined;

  constructor(options: SocketOptions = {}) {
    const { highWaterMark, allowHalfOpen = false, signal, onread } = options;
    checkSocket(options);
    super({ allowHalfOpen, emitClose: false, ...(highWaterMark === undefined ? {} : { highWaterMark }) });
    this.#options = options;
    if (onread) checkFunction("onread.callback", onread.callback);
    if (options.noDelay) this.#noDelay = true;
    if (options.keepAlive) this.#keepAlive = [true, options.keepAliveInitialDelay ?? 0];
    if (signal) addAbortSignal(signal, this);
  }

  /** @internal Around a connection that a server has accepted; `gone` is told when it is closed. */
  static around(
    inner: Connection,
    options: SocketOptions & { paused?: boolean | undefined },
    server: object,
    gone: () => void,
  ): Socket {
    const socket = new Socket(options);
    socket.server = server;
    socket.#gone = gone;
    socket.#opened = true;
    socket.#attach(inner);
    socket.#configure(inner);
    if (options.paused) {
      inner.pause();
      socket.pause();
    } else socket.#reads = true;
    return socket;
  }

  // Connecting

  /**
   * Returns while connecting; "connect" or "error" follows. Throws for wrong arguments. A socket that was closed may
   * be used again.
   */
  connect(options: ConnectOptions, connected?: () => void): this;
  connect(port: number | string, connected?: () => void): this;
  connect(port: number | string, host: string, connected?: () => void): this;
  connect(...args: unknown[]): this {
    const [options, connected] = connectArguments(args),
      { host, port } = checkConnect(options);
    const stack = options.stack ?? this.#options.stack ?? theStack();
    if (connected) this.once("connect", connected);
    if (this.connecting || (this.#inner && !this.destroyed)) {
      return this.destroy(systemError("connect", this.connecting ? "EALREADY" : "EISCONN", { address: host, port }));
    }
    if (this.destroyed) this.#again();
    this.connecting = true;
    if (options.noDelay) this.#noDelay = true;
    if (options.keepAlive) this.#keepAlive = [true, options.keepAliveInitialDelay ?? 0];
    this.#hold();
    const attempt = (this.#attempt = {});
    // Nothing of it is told before the caller could listen for it.
    const begin = (open: Stack): void =>
      process.nextTick(() => {
        if (this.#attempt === attempt) this.#find({ options, host, port, stack: open, left: [], errors: [] });
      });
    if (stack instanceof Promise) stack.then(begin, (e: Error) => this.#attempt === attempt && this.destroy(e));
    else begin(stack);
    return this;
  }

  /** A socket that was closed may connect once more. */
  #again(): void {
    (this as unknown as { _undestroy(): void })._undestroy();
    this.#inner = undefined;
    this.#opened = this.#ended = this.#broken = this.#resets = false;
    this.#written = this.#read = 0;
    this.#reading = this.#elsewhere = false;
    this.#rest = undefined;
    this.autoSelectFamilyAttemptedAddresses = undefined;
  }

  #hold(): void {
    const writing = this.writableLength > 0 || (this.writableEnded && !this.writableFinished),
      busy = (this.connecting && !this.#elsewhere) || (this.#inner !== undefined && (this.#reading || writing));
    if (this.#refed && busy && !this.destroyed) hold(this);
    else letGo(this);
  }

  set #reads(on: boolean) {
    this.#reading = on;
    this.#hold();
  }

  /** Addresses of the host; then those are tried one after the other. */
  #find(attempt: Attempt): void {
    const { options, host, port, stack } = attempt,
      own = options.localAddress ?? undefined,
      token = this.#attempt;
    if (isChosen(own) && !stack.isOwn(own) && !stack.isAwaited(own, own)) {
      this.destroy(systemError("connect", "EADDRNOTAVAIL", { address: host, port }));
      return;
    }
    if (isIP(host) !== 0) {
      attempt.left = [host];
      this.#next(attempt);
      return;
    }
    this.#elsewhere = Boolean(options.lookup);
    this.#hold();
    addressesOf(stack, host, options, (error, addresses) => {
      if (this.#attempt !== token) return;
      this.#elsewhere = false;
      this.#hold();
      if (error) this.emit("lookup", error, undefined, undefined, host);
      for (const address of addresses) this.emit("lookup", null, address, isIP(address), host);
      if (this.#attempt !== token) return;
      attempt.left = inTurn(addresses);
      if (error) this.destroy(error);
      else this.#next(attempt);
    });
  }

  #next(attempt: Attempt): void {
    const { options, port, stack, left, errors } = attempt,
      address = left.shift(),
      turn = (attempt.turn = {}),
      token = this.#attempt;
    this.#patience?.clear();
    if (address === undefined) {
      this.destroy(
        errors.length === 1
          ? errors[0]
          : Object.assign(new AggregateError(errors), { code: (errors[0] as NodeJS.ErrnoException).code }),
      );
      return;
    }
    const family = isIP(address);
    this.emit("connectionAttempt", address, port, family);
    if (this.#attempt !== token) return;
    (this.autoSelectFamilyAttemptedAddresses ??= []).push(`${address}:${port}`);
    const over = (event: string, error: Error): void => {
      errors.push(error);
      this.emit(event, address, port, family, ...(event === "connectionAttemptFailed" ? [error] : []));
      if (this.#attempt === token) this.#next(attempt);
    };
    const why = (code: string): Error => systemError("connect", code, { address, port });
    const failed = (error: Error): void => over("connectionAttemptFailed", error);
    if (family === 6 && !stack.hasIp6) return failed(why("ENETUNREACH"));
    if (port === 0) return failed(why("ECONNREFUSED"));
    // As the kernel has it: every address of this host is reached by 127.0.0.1, and an ICMP error ends the attempt.
    const host = address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
    const late = (): void => {
      if (attempt.turn !== turn || this.#attempt !== token || !this.connecting) return;
      // It is not ours any more: its end is nobody's business.
      const inner = this.#inner;
      this.#inner = undefined;
      inner?.destroy();
      over("connectionAttemptTimeout", why("ETIMEDOUT"));
    };
    if (left.length > 0) (this.#patience = new Timer(patienceOf(options), late)).unref();
    const from = isChosen(options.localAddress) ? options.localAddress : undefined;
    if (from !== undefined && isIP(from) !== family) return failed(why("EINVAL"));
    if (!stack.isAwaited(host, from)) return this.#try(attempt, address, host, failed);
    // The stack has only just begun with IPv6: its own address comes first.
    void stack.settled(host, from).then(() => {
      if (this.#attempt !== token || attempt.turn !== turn) return;
      if (from !== undefined && !stack.isOwn(from)) failed(why("EADDRNOTAVAIL"));
      else this.#try(attempt, address, host, failed);
    });
  }

  #try({ options, port, stack }: Attempt, address: string, host: string, failed: (error: Error) => void): void {
    const own = isChosen(options.localAddress) ? options.localAddress : undefined;
    const inner = stack.createConnection({
      host,
      port,
      localPort: options.localPort ?? undefined,
      localAddress: own,
      failFast: true,
      allowHalfOpen: true,
    });
    inner.once("error", (e: Error) => {
      if (this.#inner !== inner || !this.connecting) return;
      const where = { address, port }, isNobodys = (e as { code?: string }).code === "ARGUMENT";
      // From 127/8 the kernel goes nowhere but to this host.
      const code = own?.startsWith("127.") ? "EINVAL" : "ENETUNREACH";
      failed(isNobodys ? systemError("connect", code, where, e) : asSystemError(e, "connect", where));
    });
    inner.once("connect", () => {
      if (this.#inner !== inner) return;
      this.#patience?.clear();
      this.#connected(inner);
    });
    this.#attach(inner);
  }

  #connected(inner: Connection): void {
    this.connecting = false;
    this.#opened = true;
    this.#configure(inner);
    this.#reads = !this.isPaused();
    for (const go of this.#waiting.splice(0)) go();
    this.emit("connect");
    this.emit("ready");
  }

  #configure(inner: Connection): void {
    if (this.#noDelay !== undefined) inner.setNoDelay(this.#noDelay);
    if (this.#keepAlive) inner.setKeepAlive(...this.#keepAlive);
  }

  #attach(inner: Connection): void {
    this.#inner = inner;
    this.#hold();
    this.#timer?.clear();
    inner.unref();
    inner.on("timeout", () => this.emit("timeout"));
    if (this.timeout) inner.setTimeout(this.timeout);
    const ours = (): boolean => this.#inner === inner && !this.destroyed && this.#opened;
    inner.on("data", (chunk: Uint8Array) => {
      if (ours()) this.#take(chunk);
    });
    inner.on("end", () => {
      if (ours()) this.#end();
    });
    inner.on("error", (e: Error) => {
      if (!ours()) return;
      if (this.#isBroken(e)) this.#broken = true;
      else this.destroy(asSystemError(e, "read"));
    });
    inner.on("close", () => {
      if (this.#inner !== inner || !inner.destroyed || inner.errored) return;
      // Its stack was closed, or both sides have ended: then what is left is read first.
      const left = this.#ended && !this.readableEnded;
      if (left) this.once("end", () => this.destroy());
      else if (!this.#ended || !this.writableEnded) this.destroy();
    });
  }

  // The stream

  #end(): void {
    this.#ended = true;
    this.#reads = false;
    this.push(null);
    // The end is told even if nobody reads.
    this.read(0);
  }

  #take(chunk: Uint8Array): void {
    this.#read += chunk.length;
    if (this.#options.onread) this.#hand(chunk);
    else if (!this.push(chunk)) this.#stop();
  }

  #stop(): void {
    this.#inner?.pause();
    this.#reads = false;
  }

  /** Bytes for `onread`, as many as its buffer takes at once, until it says that it is enough. */
  #hand(chunk: Uint8Array): void {
    const { buffer, callback } = this.#options.onread!;
    while (chunk.length > 0) {
      const into = typeof buffer === "function" ? buffer() : buffer,
        n = Math.min(into.length, chunk.length);
      into.set(chunk.subarray(0, n));
      chunk = chunk.subarray(n);
      if (callback.call(this, n, into) === false) this.pause();
      if (this.isPaused()) {
        this.#rest = chunk;
        this.#stop();
        return;
      }
    }
  }

  override _read(): void {
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest && rest.length > 0) this.#hand(rest);
    if (this.#rest || !this.#inner) return;
    if (this.#opened && !this.#ended) this.#reads = true;
    this.#inner.resume();
  }

  override resume(): this {
    super.resume();
    if (this.#options.onread && !this.destroyed) this._read();
    return this;
  }

  #whenOpen(done: Done, go: (inner: Connection) => void): void {
    const inner = this.#inner;
    if (this.connecting) this.#waiting.push((error) => (error ? done(error) : this.#whenOpen(done, go)));
    else if (inner && !this.destroyed) go(inner);
    else done(misuse("ERR_SOCKET_CLOSED", "Socket is closed"));
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    this.#hold();
    const over: Done = (error) => {
      const isOurs = this.destroyed && (error as NodeJS.ErrnoException | null)?.code === "ECONNABORTED";
      done(isOurs ? destroyed() : error);
      this.#hold();
    };
    this.#whenOpen(over, (inner) => {
      if (this.#broken) return over(systemError("write", "EPIPE"));
      inner.write(chunk, (error) => {
        if (!error) this.#written += chunk.length;
        over(error && (this.#isBroken(error) ? systemError("write", "EPIPE") : asSystemError(error, "write")));
      });
    });
  }

  #isBroken(error: Error): boolean {
    return this.#ended && (error as NodeJS.ErrnoException).code === "RESET";
  }

  override _writev(chunks: { chunk: Uint8Array; encoding: BufferEncoding }[], done: Done): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "binary", done);
  }

  override write(...args: unknown[]): boolean {
    if (!(this.#ended && !this.allowHalfOpen && this.writableEnded)) return super.write(...(args as [unknown]));
    const error = Object.assign(new Error("This socket has been ended by the other party"), { code: "EPIPE" }),
      done = args.at(-1);
    if (typeof done === "function") process.nextTick(done, error);
    this.destroy(error);
    return false;
  }

  override _final(done: Done): void {
    this.#hold();
    if (!this.connecting && !this.#inner) done();
    else this.#whenOpen(done, (inner) => inner.end(() => (done(), process.nextTick(() => this.#hold()))));
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#timer?.clear();
    this.#patience?.clear();
    this.connecting = false;
    this.#attempt = undefined;
    letGo(this);
    const waiting = this.#waiting.splice(0);
    if (this.#resets) this.#inner?.resetAndDestroy();
    else this.#inner?.destroy();
    done(error);
    const close = (): void => {
      this.emit("close", error !== null);
      // As Node has it: who writes to a socket that is connecting hears of its end behind "close".
      for (const tell of waiting)
        tell(misuse("ERR_SOCKET_CLOSED_BEFORE_CONNECTION", "Socket closed before the connection was established"));
      this.#gone?.();
      this.#gone = undefined;
    };
    // As Node has it: "close" is a turn of the event loop later than "error".
    if (this.#inner) setImmediate(close);
    else process.nextTick(close);
  }

  /** Ends our side when all was written, then closes. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  /** Ends the connection at once, with a RST (RFC 9293 §3.10.5). */
  resetAndDestroy(): this {
    if (this.connecting) {
      this.once("connect", () => this.resetAndDestroy());
      return this;
    }
    if (!this.#inner || this.destroyed) return this.destroy(misuse("ERR_SOCKET_CLOSED", "Socket is closed"));
    this.#resets = true;
    return this.destroy();
  }

  // Settings

  /** After `ms` without bytes either way "timeout" comes, also while connecting; 0: never. The connection goes on. */
  setTimeout(ms: number, listener?: () => void): this {
    if (this.destroyed) return this;
    const checked = checkMs("msecs", ms);
    if (listener !== undefined) checkFunction("callback", listener);
    this.timeout = ms;
    this.#timer?.clear();
    if (this.#inner) this.#inner.setTimeout(checked);
    else if (checked > 0) (this.#timer = new Timer(checked, () => this.emit("timeout"))).unref();
    if (listener) checked > 0 ? this.once("timeout", listener) : this.off("timeout", listener);
    return this;
  }

  /** Turns Nagle's algorithm (RFC 9293 §3.7.4) off. Before "connect" it is remembered. */
  setNoDelay(on = true): this {
    this.#noDelay = on;
    if (this.#opened) this.#inner?.setNoDelay(on);
    return this;
  }

  /**
   * Idle time before the first probe goes up to whole seconds; 0 leaves it as it is. Before "connect" it is
   * remembered.
   */
  setKeepAlive(on = false, initialDelayMs = 0): this {
    this.#keepAlive = [on, initialDelayMs];
    if (this.#opened) this.#inner?.setKeepAlive(on, initialDelayMs);
    return this;
  }

  /** The process stays alive while this connects, reads or writes, which is the default. */
  ref(): this {
    this.#refed = true;
    this.#hold();
    return this;
  }

  /** The process may end, whatever this is doing. */
  unref(): this {
    this.#refed = false;
    letGo(this);
    return this;
  }

  // How it is

  get #names(): Connection | undefined {
    return this.#opened ? this.#inner : undefined;
  }

  get remoteAddress(): string | undefined {
    return #inner in this ? this.#names?.remoteAddress : undefined;
  }

  get remotePort(): number | undefined {
    return #inner in this ? this.#names?.remotePort : undefined;
  }

  get remoteFamily(): string | undefined {
    return #inner in this ? this.#names?.remoteFamily : undefined;
  }

  get localAddress(): string | undefined {
    return #inner in this ? this.#names?.localAddress : undefined;
  }

  get localPort(): number | undefined {
    return #inner in this ? this.#names?.localPort : undefined;
  }

  get localFamily(): string | undefined {
    return #inner in this ? this.#names?.localFamily : undefined;
  }

  /** The local end; empty until there was a connection, and known after its end. */
  address(): SocketAddress | Record<string, never> {
    return this.#names?.address() ?? {};
  }

  get bytesRead(): number {
    return #read in this ? this.#read : NOTHING;
  }

  /** Bytes that were written, those included that wait. */
  get bytesWritten(): number {
    return #written in this ? this.#written + this.writableLength : NOTHING;
  }

  get pending(): boolean {
    return this.connecting || !(#inner in this && this.#inner) || this.destroyed;
  }

  /** An older name of `connecting`. */
  get _connecting(): boolean {
    return this.connecting;
  }

  get readyState(): "opening" | "open" | "readOnly" | "writeOnly" | "closed" {
    if (this.connecting) return "opening";
    if (this.readable) return this.writable ? "open" : "readOnly";
    return this.writable ? "writeOnly" : "closed";
  }

  get bufferSize(): number {
    return this.writableLength;
  }
}
