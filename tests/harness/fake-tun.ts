/** A kernel that has one TAP device, or packet sockets, for tests of what reads and writes by addresses. */
import type { Poll, System } from "../../host/links/system.js";

const FD = 77;
/** Keys of `answers` for calls without a number of their own. */
export const SOCKET = -1, BIND = -2;

export class FakeKernel implements System {
  /** What the next call of `open` throws, and what ioctls answer, by their number. */
  refuses: NodeJS.ErrnoException | undefined;
  readonly answers = new Map<number, number>();
  /** What ioctls were given: the flags of TUNSETIFF, or a number. */
  readonly asked: [request: number, argument: number][] = [];
  /** What sockets were given: options by their number, and an address. What they answer stands in `answers`, too. */
  readonly options = new Map<number, Uint8Array>();
  bound: Uint8Array | undefined;
  /** Frames with their heads that wait to be read. */
  readonly waiting: Uint8Array[] = [];
  /** What was written, a piece a call. */
  readonly written: Uint8Array[] = [];
  /** What reads and writes return, in the place of what they did. */
  fails = 0;
  isOpen = false;
  polls = 0;
  #tell: (() => void) | undefined;
  readonly #buffers: ArrayBufferLike[] = [];

  open(path: string): number {
    if (this.refuses) throw this.refuses;
    this.isOpen = path === "/dev/net/tun";
    return FD;
  }

  close(): void {
    this.isOpen = false;
  }

  socket(family: number): number {
    const answer = this.answers.get(SOCKET) ?? FD;
    this.isOpen = answer === FD && family === 17;
    return answer;
  }

  setsockopt(_: number, __: number, option: number, value: Uint8Array): number {
    this.options.set(option, value.slice());
    return this.answers.get(option) ?? 0;
  }

  bind(_: number, address: Uint8Array): number {
    this.bound = address.slice();
    return this.answers.get(BIND) ?? 0;
  }

  ioctl(_: number, request: number, argument: Uint8Array): number {
    const at = argument.length > 4 ? 16 : 0;
    this.asked.push([request, argument[at]! | (argument[at + 1]! << 8)]);
    return this.answers.get(request) ?? 0;
  }

  ioctlNumber(_: number, request: number, argument: number): number {
    this.asked.push([request, argument]);
    return this.answers.get(request) ?? 0;
  }

  /** Each buffer has 2^40 addresses of its own. */
  address(view: ArrayBufferView): number {
    let at = this.#buffers.indexOf(view.buffer);
    if (at < 0) at = this.#buffers.push(view.buffer) - 1;
    return (at + 1) * 2 ** 40 + view.byteOffset;
  }

  /** What an address means; it throws outside of every buffer, as no kernel would. */
  at(address: number, size: number): Uint8Array {
    return new Uint8Array(this.#buffers[Math.floor(address / 2 ** 40) - 1]!, address % 2 ** 40, size);
  }

  #pieces(iov: number, count: number): Uint8Array[] {
    return Array.from({ length: count }, (_, i) => {
      const bytes = this.at(iov + i * 16, 16), record = new DataView(bytes.buffer, bytes.byteOffset, 16);
      return this.at(Number(record.getBigUint64(0, true)), Number(record.getBigUint64(8, true)));
    });
  }

  readv(_: number, iov: number, count: number): number {
    if (this.fails < 0) return this.fails;
    const frame = this.waiting.shift();
    if (frame === undefined) return -11;
    let at = 0;
    for (const piece of this.#pieces(iov, count)) {
      const part = frame.subarray(at, at + piece.length);
      piece.set(part);
      at += part.length;
    }
    return at;
  }

  writev(_: number, iov: number, count: number): number {
    if (this.fails < 0) return this.fails;
    const bytes = Buffer.concat(this.#pieces(iov, count));
    this.written.push(Uint8Array.from(bytes));
    return bytes.length;
  }

  poll(_: number, tell: () => void): Poll {
    this.polls++;
    this.#tell = tell;
    return { close: () => this.polls--, unref: () => {} };
  }

  /** Tells that there is something to read, as the kernel does until there is not. */
  ready(): void {
    this.#tell?.();
  }
}
