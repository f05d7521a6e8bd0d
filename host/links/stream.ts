/**
 * Frames over a byte stream: 4 bytes of length, most significant first, then the frame. QEMU's `-netdev stream` and
 * passt speak it.
 */
import { createConnection } from "node:net";
import type { Duplex, Readable, Writable } from "node:stream";
import { FormatError, LinkError, type Link } from "./link.js";
import { surviving } from "./surviving.js";

/** No frame is longer; a larger length means that the other side speaks something else. */
const FRAME_MAX = 65536 + 14;

/**
 * Splits a stream into frames. It keeps less than one frame, in the pieces in which it came, so that small pieces cost
 * no more than large ones.
 */
export class Deframer {
  #pieces: Buffer[] = [];
  #have = 0;
  /** Bytes that there must be before anything can be told. */
  #need = 4;

  /** Bytes that wait for the rest of their frame. */
  get waiting(): number {
    return this.#have;
  }

  /** Calls `take` for each whole frame. Throws a LinkError when the stream is not one of frames. */
  push(chunk: Buffer, take: (frame: Uint8Array) => void): void {
    this.#pieces.push(chunk);
    this.#have += chunk.length;
    if (this.#have < this.#need) return;
    const data = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces);
    let at = 0;
    for (;;) {
      this.#need = 4;
      if (data.length - at < 4) break;
      const size = data.readUInt32BE(at);
      if (size > FRAME_MAX) throw new FormatError(`the link does not carry frames: a length of ${size}`);
      this.#need = 4 + size;
      if (data.length - at < 4 + size) break;
      take(data.subarray(at + 4, at + 4 + size));
      at += 4 + size;
    }
    this.#pieces = [data.subarray(at)];
    this.#have = data.length - at;
  }
}

/** A frame with its length before it. */
export function enframe(frame: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(4 + frame.length);
  out.writeUInt32BE(frame.length, 0);
  out.set(frame, 4);
  return out;
}

/** Frames are put together in pieces of memory of this size, bytes. */
const PIECE = 1 << 18;

/** Frames with their lengths, which go out together at the end of the turn that they were sent in. */
class Outgoing {
  #piece = Buffer.alloc(0);
  #from = 0;
  #to = 0;

  constructor(readonly output: Writable) {}

  /** Bytes that wait. */
  get waiting(): number {
    return this.output.writableLength + this.#to - this.#from;
  }

  add(frame: Uint8Array): void {
    if (this.#piece.length - this.#to < 4 + frame.length) {
      this.flush();
      // What was written is the stream's until it has gone.
      this.#piece = Buffer.allocUnsafe(Math.max(PIECE, 4 + frame.length));
      this.#from = this.#to = 0;
    }
    if (this.#to === this.#from) queueMicrotask(() => this.flush());
    this.#piece.writeUInt32BE(frame.length, this.#to);
    this.#piece.set(frame, this.#to + 4);
    this.#to += 4 + frame.length;
  }

  flush(): void {
    if (this.#to > this.#from && !this.output.destroyed) this.output.write(this.#piece.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }
}

/** What of a stream keeps the process alive: sockets and pipes do. */
const unref = (stream: object): void => (stream as { unref?(): void }).unref?.();

/**
 * A link over a pair of streams. Frames are dropped while more than `queueMax` bytes wait, as an interface's queue
 * would.
 */
export function streamLink(input: Readable, output: Writable, close: () => void, queueMax = 4 << 20): Link {
  const deframer = new Deframer(), outgoing = new Outgoing(output);
  const link: Link = {
    send(frame) {
      if (outgoing.waiting < queueMax && !output.destroyed) outgoing.add(frame);
    },
    onFrame: () => {},
    onClose: () => {},
    close() {
      outgoing.flush();
      close();
    },
    unref() {
      unref(input);
      unref(output);
    },
  };
  let closed = false;
  const ended = (error?: Error): void => {
    if (closed) return;
    closed = true;
    link.onClose(error);
  };
  input.on("data", (chunk: Buffer) => {
    try {
      deframer.push(chunk, (frame) => link.onFrame(frame));
    } catch (e) {
      close();
      ended(e as Error);
    }
  });
  input.on("error", ended).on("close", () => ended()).on("end", () => ended());
  output.on("error", ended);
  return link;
}

/** Connects to a UNIX socket on which QEMU or passt listens, and again whenever the other side has closed it. */
export function openStream(path: string): Promise<Link> {
  return surviving(() => connectStream(path));
}

/** The same, once. */
export function connectStream(path: string): Promise<Link> {
  return new Promise((resolve, reject) => {
    const socket: Duplex = createConnection({ path });
    socket.once("error", (e: NodeJS.ErrnoException) => {
      const why =
        e.code === "ENOENT"
          ? "there is no such socket"
          : e.code === "ECONNREFUSED"
            ? "nobody listens there"
            : e.message;
      reject(new LinkError(`cannot connect to ${path}: ${why}`));
    });
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(streamLink(socket, socket, () => socket.destroy()));
    });
  });
}
