/** One TCP connection as a pair of Web Streams. */
import { StintError } from "../errors.js";
import { EVENT, type OptionName, type TcpInfo } from "../stack.js";
import { Pending, type Home, type Owner } from "./owner.js";

/** Bytes that are taken from the module in one piece. */
const CHUNK = 1 << 16;

interface Write { data: Uint8Array; resolve: () => void; reject: (why: Error) => void }

/**
 * A connection. What is not read stays in the module's ring, and closes the window; a write waits until the ring has
 * taken all of it. Errors are StintErrors: of the streams, of `opened` and of `closed`.
 */
export class Connection implements Owner {
  /** What the peer sends; it ends with the peer's FIN. To cancel it throws away what comes. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What the peer gets; to close it sends a FIN, to abort it a RST. */
  readonly writable: WritableStream<Uint8Array>;
  /** The address of this end, as text. */
  readonly localAddress: string;
  /** The port of this end. */
  readonly localPort: number;
  /** The peer's address, as text. */
  readonly remoteAddress: string;
  /** The peer's port. */
  readonly remotePort: number;
  readonly #home: Home;
  readonly #handle: number;
  readonly #opened = new Pending<void>();
  readonly #closed = new Pending<void>();
  #reader!: ReadableStreamDefaultController<Uint8Array>;
  #writer!: WritableStreamDefaultController;
  #write: Write | undefined;
  /** Whether somebody waits for bytes. */
  #wanted = false;
  /** Whether the handle is ours. */
  #open = true;
  /** Whether the peer's bytes, and ours, have come to their end. */
  #read = false;
  #written = false;
  #discards = false;
  #closing = false;

  /** @internal */
  constructor(home: Home, handle: number, origin: "accepted" | "opened") {
    this.#home = home;
    this.#handle = handle;
    const { lip, lport, rip, rport } = home.module.names(handle);
    this.localAddress = home.text(lip);
    this.localPort = lport;
    this.remoteAddress = home.text(rip);
    this.remotePort = rport;
    // Nothing is read ahead.
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#reader = controller),
      pull: () => {
        this.#wanted = true;
        this.#fill();
      },
      cancel: () => {
        this.#discards = true;
        this.#fill();
      },
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => void (this.#writer = controller),
      write: (chunk) => this.#send(chunk),
      close: () => this.#shutdown(),
      abort: () => this.abort(),
    });
    home.own(handle, this);
    if (origin === "accepted") this.#opened.resolve();
  }

  /** Settles when the handshake is done. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Settles when both sides have ended; rejects when the connection ended in another way. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** The connection's variables, by their names in the RFCs. Throws HANDLE once it is over. */
  info(): TcpInfo {
    if (!this.#open) throw new StintError("HANDLE");
    return this.#home.module.info(this.#handle);
  }

  /** Sets an option, as `noDelay` or `keepAlive`; times are in the unit of its name. Throws HANDLE once it is over. */
  setOption(option: OptionName, value: number | boolean): void {
    if (!this.#open) throw new StintError("HANDLE", `cannot set ${option}`);
    this.#home.module.setOption(this.#handle, option, value);
  }

  /** Sends a FIN behind what was written, and throws away what the peer still sends. */
  close(): Promise<void> {
    this.#discards = this.#closing = true;
    this.#fill();
    if (!this.#write) this.#shutdown();
    return this.closed;
  }

  /** Ends the connection with a RST. */
  abort(): void {
    this.#fail(new StintError("ABORTED"));
  }

  /** `await using`: closes as `close` does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  handleEvent(bits: number): void {
    if (bits & EVENT.CONNECTED) this.#opened.resolve();
    if (bits & (EVENT.READABLE | EVENT.END)) this.#fill();
    if (bits & (EVENT.WRITABLE | EVENT.CONNECTED)) this.#flush();
    if (bits & EVENT.CLOSED && this.#open) {
      const { error } = this.info();
      if (error < 0) this.#fail(new StintError(error));
      else this.#fill();
    }
  }

  /** @internal */
  stackEnds(reason: Error): void {
    this.#fail(reason);
  }

  /** Hands over what has come, as far as somebody waits for it. */
  #fill(): void {
    while (this.#open && !this.#read && (this.#wanted || this.#discards)) {
      let data;
      try {
        data = this.#home.module.receive(this.#handle, CHUNK);
      } catch (e) {
        this.#fail(e as Error);
        return;
      }
      if (data === null) return;
      if (data.length === 0) {
        this.#read = true;
        if (!this.#discards) this.#reader.close();
        this.#settle();
      } else if (!this.#discards) {
        this.#wanted = false;
        this.#reader.enqueue(data);
      }
    }
  }

  #send(data: Uint8Array): Promise<void> {
    if (!(data instanceof Uint8Array)) return Promise.reject(new TypeError("a connection takes pieces of Uint8Array"));
    return new Promise((resolve, reject) => {
      this.#write = { data, resolve, reject };
      this.#flush();
    });
  }

  #flush(): void {
    const write = this.#write;
    if (!write || !this.#open) return;
    try {
      write.data = write.data.subarray(this.#home.module.send(this.#handle, write.data));
    } catch (e) {
      this.#fail(e as Error);
      return;
    }
    if (write.data.length > 0) return;
    this.#write = undefined;
    write.resolve();
    if (this.#closing) this.#shutdown();
  }

  #shutdown(): void {
    if (!this.#open || this.#written) return;
    this.#written = true;
    this.#home.module.shutdown(this.#handle);
    this.#settle();
  }

  /** Gives the handle up when both sides are done; the module sends what is left. */
  #settle(): void {
    if (!this.#open || !this.#read || !this.#written) return;
    this.#open = false;
    this.#home.disown(this.#handle);
    this.#home.module.close(this.#handle);
    this.#closed.resolve();
  }

  #fail(why: Error): void {
    if (!this.#open) return;
    this.#open = false;
    this.#home.disown(this.#handle);
    this.#home.module.abort(this.#handle);
    this.#opened.reject(why);
    this.#closed.reject(why);
    if (!this.#read && !this.#discards) this.#reader.error(why);
    const write = this.#write;
    this.#write = undefined;
    if (write) write.reject(why);
    if (!this.#written) this.#writer.error(why);
  }
}
