/** What listeners and UDP sockets have in common: a handle and a port of the stack, until they are closed. */
import { EventEmitter } from "node:events";
import type { Home, Owner } from "./owner.js";

/** Events: "close". */
export abstract class Bound extends EventEmitter implements Owner {
  /** @internal */
  protected readonly home: Home;
  /** @internal */
  protected readonly handle: number;
  /** Its own port. */
  readonly port: number;
  /** @internal */
  protected closed = false;

  /** @internal */
  constructor(home: Home, handle: number, port: number) {
    super();
    this.home = home;
    this.handle = handle;
    this.port = port;
    home.own(handle, this);
  }

  /** @internal */
  abstract handleEvent(bits: number): void;

  /** @internal */
  abstract stackEnds(reason: Error | undefined): void;

  /** Gives the handle back to the module, and tells whoever waits. */
  protected abstract release(): void;

  /** Closes it, once. `closed` is called after that. */
  close(closed?: () => void): this {
    if (closed) {
      if (this.closed) process.nextTick(closed);
      else this.once("close", closed);
    }
    if (this.closed) return this;
    this.closed = true;
    this.home.disown(this.handle);
    this.release();
    process.nextTick(() => this.emit("close"));
    return this;
  }

  /** The stack's link keeps the process alive, nothing else does. */
  ref(): this {
    return this;
  }

  /** The same: it does nothing. */
  unref(): this {
    return this;
  }

  /** Closes it at the end of a block with `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return new Promise((resolve) => this.close(resolve));
  }
}
