/** `net.Socket` over a stack: around a connection, which there is from `connect` on. */
import { isIP } from "node:net";
import { addAbortSignal, Duplex } from "node:stream";
import type { Connection } from "../net/connection.js";
import type { SocketAddress } from "../net/owner.js";
import type { Stack } from "../net/stack.js";
import { Timer } from "../timer.js";
import { checkConnect, connectArguments, type ConnectOptions, type SocketOptions } from "./arguments.js";
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
}

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
  #resets = false;
  #refed = true;
  #written = 0;
  #timer: Timer | undefined;
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
    if (typeof options !== "object" || (options as { objectMode?: boolean }).objectMode) {
      throw misuse(
        "ERR_INVALID_ARG_VALUE",
        "The property 'options' is not supported: it must have no objectMode, fd or handle",
        TypeError,
      );
    }
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
    }
    return socket;
  }

  // Connecting

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
    if (this.#refed) hold(this);
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
    this.#opened = this.#ended = this.#resets = false;
    this.#written = 0;
    this.#rest = undefined;
  }

  /** Addresses of the host; then those are tried one after the other. */
  #find(attempt: Attempt): void {
    const { options, host, port, stack } = attempt,
      own = options.localAddress,
      token = this.#attempt;
    if (own !== undefined && own !== stack.address && own !== "0.0.0.0" && !own.startsWith("127.")) {
      this.destroy(systemError("connect", "EADDRNOTAVAIL", { address: host, port }));
      return;
    }
    if (isIP(host) !== 0) {
      attempt.left = [host];
      this.#next(attempt);
      return;
    }
    addressesOf(stack, host, options, (error, addresses) => {
      if (this.#attempt !== token) return;
      if (error) this.emit("lookup", error, undefined, undefined, host);
      for (const address of addresses) this.emit("lookup", null, address, isIP(address), host);
      if (this.#attempt !== token) return;
      attempt.left = addresses;
      if (error) this.destroy(error);
      else this.#next(attempt);
    });
  }

  #next(attempt: Attempt): void {
    const { options, port, stack, left, errors } = attempt,
      address = left.shift();
    if (address === undefined) {
      this.destroy(
        errors.length === 1
          ? errors[0]
          : Object.assign(new AggregateError(errors), { code: (errors[0] as NodeJS.ErrnoException).code }),
      );
      return;
    }
    (this.autoSelectFamilyAttemptedAddresses ??= []).push(`${address}:${port}`);
    const failed = (code: string): void => {
      errors.push(systemError("connect", code, { address, port }));
      this.#next(attempt);
    };
    if (isIP(address) === 6) return failed("ENETUNREACH");
    if (port === 0) return failed("ECONNREFUSED");
    // As the kernel has it: every address of this host is reached by 127.0.0.1, and an ICMP error ends the attempt.
    const host = address === "0.0.0.0" ? "127.0.0.1" : address;
    const inner = stack.createConnection({
      host,
      port,
      localPort: options.localPort,
      failFast: true,
      allowHalfOpen: true,
    });
    inner.once("error", (e: Error) => {
      if (this.#inner !== inner || !this.connecting) return;
      const code = (e as { code?: string }).code === "ARGUMENT" ? "ENETUNREACH" : undefined;
      errors.push(
        code ? systemError("connect", code, { address, port }, e) : asSystemError(e, "connect", { address, port }),
      );
      this.#next(attempt);
    });
    inner.once("connect", () => {
      if (this.#inner === inner) this.#connected(inner);
    });
    this.#attach(inner);
  }

  #connected(inner: Connection): void {
    this.connecting = false;
    this.#opened = true;
    this.#configure(inner);
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
    if (this.#refed) hold(this);
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
      if (ours()) this.destroy(asSystemError(e, "read"));
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
    this.push(null);
    // The end is told even if nobody reads.
    this.read(0);
  }

  #take(chunk: Uint8Array): void {
    if (this.#options.onread) this.#hand(chunk);
    else if (!this.push(chunk)) this.#inner!.pause();
  }

  /** Bytes for `onread`, as many as its buffer takes at once, until it says that it is enough. */
  #hand(chunk: Uint8Array): void {
    const { buffer, callback } = this.#options.onread!;
    while (chunk.length > 0) {
      const into = typeof buffer === "function" ? buffer() : buffer,
        n = Math.min(into.length, chunk.length);
      into.set(chunk.subarray(0, n));
      chunk = chunk.subarray(n);
      if (callback.call(this, n, into) === false) {
        this.#rest = chunk;
        this.pause();
        this.#inner?.pause();
        return;
      }
    }
  }

  override _read(): void {
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest && rest.length > 0) this.#hand(rest);
    if (!this.#rest) this.#inner?.resume();
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
    this.#whenOpen(done, (inner) =>
      inner.write(chunk, (error) => {
        if (!error) this.#written += chunk.length;
        done(error && asSystemError(error, "write"));
      }),
    );
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
    if (!this.connecting && !this.#inner) done();
    else this.#whenOpen(done, (inner) => inner.end(() => done()));
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#timer?.clear();
    this.connecting = false;
    this.#attempt = undefined;
    letGo(this);
    const waiting = this.#waiting.splice(0);
    if (this.#resets) this.#inner?.resetAndDestroy();
    else this.#inner?.destroy();
    for (const tell of waiting)
      tell(misuse("ERR_SOCKET_CLOSED_BEFORE_CONNECTION", "Socket closed before the connection was established"));
    done(error);
    const close = (): void => {
      this.emit("close", error !== null);
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

  setNoDelay(on = true): this {
    this.#noDelay = on;
    if (this.#opened) this.#inner?.setNoDelay(on);
    return this;
  }

  setKeepAlive(on = false, initialDelayMs = 0): this {
    this.#keepAlive = [on, initialDelayMs];
    if (this.#opened) this.#inner?.setKeepAlive(on, initialDelayMs);
    return this;
  }

  ref(): this {
    this.#refed = true;
    if (!this.destroyed && (this.connecting || this.#inner)) hold(this);
    return this;
  }

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
    return this.#names?.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#names?.remotePort;
  }

  get remoteFamily(): string | undefined {
    return this.#names?.remoteFamily;
  }

  get localAddress(): string | undefined {
    return this.#names?.localAddress;
  }

  get localPort(): number | undefined {
    return this.#names?.localPort;
  }

  get localFamily(): string | undefined {
    return this.#names?.localFamily;
  }

  address(): SocketAddress | Record<string, never> {
    return this.#names?.address() ?? {};
  }

  get bytesRead(): number {
    return this.#inner?.bytesRead ?? 0;
  }

  /** Bytes that were written, those included that wait. */
  get bytesWritten(): number {
    return this.#written + this.writableLength;
  }

  get pending(): boolean {
    return this.connecting || !this.#inner || this.destroyed;
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
