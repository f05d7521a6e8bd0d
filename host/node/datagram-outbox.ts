/** Datagrams of one socket that wait for room in the stack's ring, in their order. */
import type { UdpSocket } from "../net/datagram.js";
import { StintError } from "../errors.js";

interface Waiting {
  data: Uint8Array;
  to: { host: string; port: number } | undefined;
  done: (error?: Error) => void;
}

/** How often a full ring is asked again, ms: what is in it goes out with the next poll, unless there is no slot. */
const AGAIN_MS = 1;

/**
 * The queue of a bound `dgram.Socket`. A sender is told once its datagram is in the stack's ring, or why it cannot
 * be.
 */
export class Outbox {
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Of those whose sender has not been told yet. */
  bytes = 0;
  count = 0;

  constructor(readonly socket: UdpSocket) {}

  /** `done` is called once, and never within this call. */
  push(data: Uint8Array, to: Waiting["to"], done: Waiting["done"]): void {
    this.#waiting.push({ data, to, done });
    this.bytes += data.length;
    this.count++;
    if (this.#waiting.length === 1) this.#go();
  }

  #go(): void {
    this.#timer = undefined;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      let error: Error | undefined;
      try {
        if (!this.socket.send(first.data, first.to?.port, first.to?.host)) break;
      } catch (e) {
        error = e as Error;
      }
      this.#waiting.shift();
      process.nextTick(() => this.#tell(first, error));
    }
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#go(), AGAIN_MS);
  }

  /** The socket is closed: what waits is not sent any more. */
  end(): void {
    clearTimeout(this.#timer);
    for (const one of this.#waiting.splice(0))
      process.nextTick(() => this.#tell(one, new StintError("ABORTED", "cannot send")));
  }

  #tell({ data, done }: Waiting, error: Error | undefined): void {
    this.bytes -= data.length;
    this.count--;
    done(error);
  }
}
