/** A connection as HTTP/1.1 has it (RFC 9112): lines and pieces come in, in order; it may wait for the next request. */
import type { Connection } from "../connection.js";

const EMPTY = new Uint8Array(0), LF = 10, CR = 13;

/** Text of octets, each of which is a character, and back: header fields are octets. */
const textOf = (bytes: Uint8Array): string => {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
};
export const octets = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** One connection, read by lines and by pieces. */
export class Wire {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #connection: Connection;
  readonly #stopper: AbortController;
  #rest: Uint8Array = EMPTY;
  /** What was asked for while nobody waited for it. */
  #next: Promise<ReadableStreamReadResult<Uint8Array>> | undefined;
  /** Whether anything came for the request that is under way. */
  heard = false;
  isOver = false;

  constructor(connection: Connection, stopper: AbortController) {
    this.#connection = connection;
    this.#stopper = stopper;
    this.#reader = connection.readable.getReader();
    this.#writer = connection.writable.getWriter();
    for (const ends of [this.#reader.closed, this.#writer.closed, connection.closed]) ends.catch(() => {});
  }

  /** Waits until the stack has taken the bytes. Rejects when the connection is over. */
  write(data: Uint8Array): Promise<void> {
    return this.#writer.write(data);
  }

  /** Some bytes, or undefined at the end. */
  async some(): Promise<Uint8Array | undefined> {
    if (this.#rest.length > 0) {
      const rest = this.#rest;
      this.#rest = EMPTY;
      return rest;
    }
    const next = this.#next ?? this.#reader.read();
    this.#next = undefined;
    const { value } = await next;
    if (value) this.heard = true;
    return value;
  }

  /** As many bytes of those to come as there are, but no more than `size`. */
  async upTo(size: number): Promise<Uint8Array> {
    const data = await this.some();
    if (!data) throw new Error("the connection ended in the middle of an answer");
    this.#rest = data.subarray(size);
    // Who gets a piece may give its memory away, or write there.
    return data.length > size ? data.slice(0, size) : data;
  }

  /**
   * A line, without its end, which is CR and LF, or one LF alone unless that is wrong here (RFC 9112 §2.2). Longer ones
   * than `limit` are refused.
   */
  async line(limit: number, { needsCr = false } = {}): Promise<string> {
    let line = "";
    for (;;) {
      const data = await this.some();
      if (!data) throw new Error("the connection ended in the middle of an answer");
      const end = data.indexOf(LF);
      if (line.length + (end < 0 ? data.length : end) > limit) throw new Error("a line of the answer is too long");
      line += textOf(end < 0 ? data : data.subarray(0, end));
      if (end < 0) continue;
      this.#rest = data.subarray(end + 1);
      if (line.charCodeAt(line.length - 1) === CR) return line.slice(0, -1);
      if (needsCr) throw new Error("a line ends in LF alone");
      return line;
    }
  }

  /** Whether it can wait for another request: nothing came that nobody asked for. */
  get isClean(): boolean {
    return this.#rest.length === 0 && !this.isOver;
  }

  /** Waits for another request. Calls back if the connection ends, or says something, before that comes. */
  rest(gone: () => void): void {
    this.heard = false;
    const next = (this.#next = this.#reader.read());
    const told = (): void => {
      if (this.#next === next) gone();
    };
    next.then(told, told);
  }

  /** Aborted when the connection was ended at once. */
  get stopped(): AbortSignal {
    return this.#stopper.signal;
  }

  /** Ends the connection at once; what is under way fails with the reason. */
  stop(reason: unknown): void {
    this.isOver = true;
    this.#stopper.abort(reason);
  }

  /** Ends the connection in order. */
  end(): void {
    this.isOver = true;
    this.#connection.close().catch(() => {});
  }
}
