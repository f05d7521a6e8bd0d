/** build/stint-wasi.wasm, the command for wasmtime, in virtual time: a host of WASI that does what a test says. */
import { readFileSync } from "node:fs";
import { entropyOf } from "./entropy.js";

/** The time is over. */
class Over extends Error {}

export class Command {
  nowUs = 1_000_000;
  /** What it said on its standard error. */
  words = "";
  status: number | undefined;
  readonly #args: string[];
  readonly #later: { us: number; make: () => Uint8Array }[] = [];
  #input = Buffer.alloc(0);
  #output = Buffer.alloc(0);
  #endUs = Infinity;
  #memory!: WebAssembly.Memory;

  /** `sent` hears of each frame that it sends. */
  constructor(args: string[], readonly sent: (frame: Uint8Array) => void) {
    this.#args = ["stint", ...args];
  }

  /** A frame for its standard input `ms` from now, made then; or a number in the place of its length. */
  frame(make: () => Uint8Array | number, ms = 0): void {
    const bytes = (): Uint8Array => {
      const frame = make(), size = Buffer.alloc(4);
      size.writeUInt32BE(typeof frame === "number" ? frame : frame.length);
      return typeof frame === "number" ? size : Buffer.concat([size, frame]);
    };
    this.#later.push({ us: this.nowUs + ms * 1000, make: bytes });
    this.#later.sort((a, b) => a.us - b.us);
  }

  /** Runs it from its beginning, for so long. */
  run(ms: number): void {
    this.#endUs = this.nowUs + ms * 1000;
    const instance = new WebAssembly.Instance(
      new WebAssembly.Module(readFileSync("build/stint-wasi.wasm")), { wasi_snapshot_preview1: this.#calls() },
    );
    const { memory, _start } = instance.exports as { memory: WebAssembly.Memory; _start: () => void };
    this.#memory = memory;
    try {
      _start();
    } catch (e) {
      if (!(e instanceof Over)) throw e;
    }
  }

  get #view(): DataView {
    return new DataView(this.#memory.buffer);
  }

  /** The bytes of an iovec. */
  #piece(at: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, this.#view.getUint32(at, true), this.#view.getUint32(at + 4, true));
  }

  #calls(): Record<string, (...n: number[]) => number> {
    const text = Buffer.from(this.#args.map((a) => `${a}\0`).join(""));
    const put = (at: number, n: number): void => this.#view.setUint32(at, n, true);
    const none = (): number => 8;
    return {
      args_sizes_get: (count, size) => (put(count, this.#args.length), put(size, text.length), 0),
      args_get: (pointers, at) => {
        let next = at;
        this.#args.forEach((a, i) => (put(pointers + 4 * i, next), (next += a.length + 1)));
        new Uint8Array(this.#memory.buffer).set(text, at);
        return 0;
      },
      clock_time_get: (_, __, at) => (this.#view.setBigUint64(at, BigInt(this.nowUs) * 1000n, true), 0),
      random_get: (at, size) => {
        new Uint8Array(this.#memory.buffer).set(entropyOf(1).subarray(0, size), at);
        return 0;
      },
      poll_oneoff: (subscriptions, events, count, stored) => this.#poll(subscriptions, events, count, stored),
      fd_read: (_, iovs, __, got) => {
        const room = this.#piece(iovs), n = this.#input.copy(room);
        this.#input = this.#input.subarray(n);
        put(got, n);
        return 0;
      },
      fd_write: (fd, iovs, _, written) => {
        const piece = this.#piece(iovs);
        put(written, piece.length);
        if (fd === 2) this.words += Buffer.from(piece).toString();
        else this.#take(piece.slice());
        return 0;
      },
      proc_exit: (status) => {
        this.status = status!;
        throw new Over();
      },
      path_filestat_get: none, path_open: none, fd_filestat_get: none, fd_close: none, fd_pread: none,
    };
  }

  #take(bytes: Uint8Array): void {
    this.#output = Buffer.concat([this.#output, bytes]);
    while (this.#output.length >= 4) {
      const end = 4 + this.#output.readUInt32BE(0);
      if (this.#output.length < end) return;
      this.sent(this.#output.subarray(4, end));
      this.#output = this.#output.subarray(end);
    }
  }

  /** Its input, and perhaps a time limit: one of them is the event. */
  #poll(subscriptions: number, events: number, count: number, stored: number): number {
    const limit = count > 1 ? Number(this.#view.getBigUint64(subscriptions + 72, true)) / 1000 : Infinity;
    const comes = this.#input.length > 0 ? this.nowUs : this.#later[0]?.us ?? Infinity;
    const isInput = comes <= this.nowUs + limit, next = isInput ? comes : this.nowUs + limit;
    if (next >= this.#endUs) throw new Over();
    this.nowUs = Math.max(this.nowUs, next);
    while (this.#later.length > 0 && this.#later[0]!.us <= this.nowUs)
      this.#input = Buffer.concat([this.#input, this.#later.shift()!.make()]);
    this.#view.setBigUint64(events, isInput ? 0n : 1n, true);
    this.#view.setUint32(stored, 1, true);
    return 0;
  }
}
