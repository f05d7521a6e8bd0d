/** A listener: its connections come by `for await`, or by `accept()`. */
import { Connection } from "./connection.js";
import { Pending, type Home, type Owner } from "./owner.js";

/** A listener. A client that nobody accepts waits in the module; beyond the backlog it is dropped. */
export class Server implements Owner, AsyncIterable<Connection> {
  /** The port that it listens on. */
  readonly port: number;
  readonly #home: Home;
  readonly #handle: number;
  #waiting: Pending<Connection | null>[] = [];
  #open = true;
  #reason: Error | undefined;

  /** @internal */
  constructor(home: Home, handle: number, port: number) {
    this.#home = home;
    this.#handle = handle;
    this.port = port;
    home.own(handle, this);
  }

  /** The next connection, or null once the listener is closed. Rejects when the stack has lost its link. */
  accept(): Promise<Connection | null> {
    const waiting = new Pending<Connection | null>();
    this.#waiting.push(waiting);
    this.#handOut();
    return waiting.promise;
  }

  /** The connections, one after another, until the listener is closed. */
  async *[Symbol.asyncIterator](): AsyncIterator<Connection> {
    for (let c = await this.accept(); c !== null; c = await this.accept()) yield c;
  }

  /** Clients that nobody has accepted get a RST; connections that were accepted go on. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#home.disown(this.#handle);
    this.#home.module.close(this.#handle);
    this.#handOut();
  }

  /** @internal */
  handleEvent(): void {
    this.#handOut();
  }

  /** @internal */
  stackEnds(reason: Error): void {
    this.#reason = reason;
    this.close();
  }

  #handOut(): void {
    while (this.#waiting.length > 0) {
      const handle = this.#open ? this.#home.module.accept(this.#handle) : 0;
      if (this.#open && handle === 0) return;
      const waiting = this.#waiting.shift()!;
      if (this.#open) waiting.resolve(new Connection(this.#home, handle, "accepted"));
      else if (this.#reason) waiting.reject(this.#reason);
      else waiting.resolve(null);
    }
  }
}
