/**
 * Firmware's module as it is laid out when it is built, beside the module that lays itself out on its start: both are
 * told the same, drawn from a seed, and must do the same. What the module's exports do not tell is in memory.
 */
import assert from "node:assert/strict";
import { COUNTERS } from "../../host/counters.js";
import { ENTROPY_AT, CONFIG_SIZE, FRAME_OFFSET, SLOT_RING, SLOT_RING_SIZE } from "../../host/module/layout.js";
import { Random } from "../../host/random.js";
import type { Laid } from "../../tools/board/image.js";
import { entropyOf } from "./entropy.js";
import { Hostile } from "./hostile.js";

type Calls = Record<string, ((...args: (number | bigint)[]) => number | bigint | undefined) | undefined>;

/** One of the two. */
class Side {
  readonly memory: WebAssembly.Memory;
  readonly calls: Calls;

  constructor(module: Uint8Array, bytes: number) {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(module)));
    this.memory = exports["memory"] as WebAssembly.Memory;
    this.calls = exports as unknown as Calls;
    const more = Math.ceil(bytes / 65536) - this.memory.buffer.byteLength / 65536;
    if (more > 0) this.memory.grow(more);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer);
  }

  call(name: string, ...args: (number | bigint)[]): number {
    return Number(this.calls[name]!(...args));
  }

  word(at: number): number {
    return new DataView(this.memory.buffer).getUint32(at, true);
  }

  setWord(at: number, value: number): void {
    new DataView(this.memory.buffer).setUint32(at, value, true);
  }

  /** Lays itself out, as firmware does with `--layout boot`. */
  layOut({ numbers, services }: Laid, entropy: Uint8Array): void {
    const block = this.call("configBlock");
    numbers.forEach((n, i) => this.setWord(block + 4 * i, n));
    this.bytes.set(entropy, block + ENTROPY_AT);
    assert.equal(this.call("init", block), 0);
    for (const s of services) this.call("serviceStart", s.service, s.port, s.backlog);
    this.bytes.fill(0, block, block + CONFIG_SIZE);
  }

  /** Draws its keys, as firmware does that was laid out before. */
  seed(entropy: Uint8Array): void {
    const block = this.call("configBlock");
    this.bytes.set(entropy, block + ENTROPY_AT);
    assert.equal(this.call("seed", block), 0);
  }

  /** Whether there was room for the frame. */
  push(frame: Uint8Array): boolean {
    const ring = this.call("controlBlock"), mask = this.word(ring + SLOT_RING.mask);
    const tail = this.word(ring + SLOT_RING.tail), i = tail & mask, stride = this.word(ring + SLOT_RING.stride);
    if (((tail - this.word(ring + SLOT_RING.head)) >>> 0) > mask) return false;
    const part = frame.subarray(0, stride - FRAME_OFFSET);
    this.bytes.set(part, this.word(ring + SLOT_RING.slots) + i * stride + FRAME_OFFSET);
    this.setWord(this.word(ring + SLOT_RING.lengths) + 4 * i, part.length);
    this.setWord(ring + SLOT_RING.tail, tail + 1);
    return true;
  }

  /** Up to `most` of the frames that it wants to send. */
  take(most: number): Uint8Array[] {
    const ring = this.call("controlBlock") + SLOT_RING_SIZE, out: Uint8Array[] = [];
    const mask = this.word(ring + SLOT_RING.mask), stride = this.word(ring + SLOT_RING.stride);
    for (let head; out.length < most && (head = this.word(ring)) !== this.word(ring + SLOT_RING.tail);) {
      const at = this.word(ring + SLOT_RING.slots) + (head & mask) * stride + FRAME_OFFSET;
      out.push(this.bytes.slice(at, at + this.word(this.word(ring + SLOT_RING.lengths) + 4 * (head & mask))));
      this.setWord(ring, head + 1);
    }
    return out;
  }
}

/** Memory that nothing may write, and what is in it. */
interface Fixed { at: number; bytes: Buffer }

/** Time that passes at once, µs. */
const STEPS_US = [0, 100, 1000, 40_000, 250_000, 1_100_000, 5_000_000];
const LONG_US = 70_000_000;

/** Both, and what is drawn for them. */
export class LaidBeside {
  readonly #plain: Side;
  readonly #laid: Side;
  readonly #r: Random;
  readonly #fixed: Fixed[] = [];
  readonly #peer: Hostile;
  #nowUs = 1_000_000;
  #step = 0;

  /** `whole`: with `init`; `laid`: without. */
  constructor(whole: Uint8Array, called: Uint8Array, readonly layout: Laid, readonly seed: number) {
    this.#plain = new Side(whole, layout.memory);
    this.#laid = new Side(called, layout.memory);
    this.#r = new Random(seed);
    this.#peer = new Hostile(this.#r);
    this.#plain.layOut(layout, entropyOf(seed));
    this.#laid.seed(entropyOf(seed));
    const { fixed } = this.#plain.calls;
    for (let n = 0, piece; (piece = BigInt.asUintN(64, BigInt(fixed!(n)!))) !== 0n; n++) {
      const at = Number(piece >> 32n), end = at + Number(piece & 0xffffffffn);
      this.#fixed.push({ at, bytes: Buffer.from(this.#plain.bytes.slice(at, end)) });
    }
    this.#same();
    if (this.#has("dhcp_start")) this.#both("dhcp_start", 0, this.#both("configBlock"), 3);
    if (this.#has("ip6_start")) this.#both("ip6_start", 0);
  }

  /** So many frames, calls, and times. Throws where the two differ, or where one traps. */
  run(steps: number): void {
    try {
      for (const end = this.#step + steps; this.#step < end; this.#step++) this.#one();
    } catch (e) {
      throw new Error(`seed ${this.seed}, step ${this.#step}: ${(e as Error).message}`, { cause: e });
    }
  }

  /** A counter of the stack. */
  counter(name: (typeof COUNTERS)[number]): number {
    return this.#plain.word(this.#plain.call("counters") + 4 * COUNTERS.indexOf(name));
  }

  #one(): void {
    const r = this.#r;
    for (let n = r.below(3); n > 0; n--) {
      const frame = this.#peer.frame(), had = this.#plain.push(frame);
      assert.equal(this.#laid.push(frame), had);
    }
    if (r.below(4) === 0) this.#call();
    this.#nowUs += r.below(300) === 0 ? LONG_US : this.#pick(STEPS_US);
    const wait = this.#both("poll", BigInt(this.#nowUs));
    this.#both("servicesRun");
    this.#both("servicesWait", wait);
    if (this.#has("serviceRequest")) this.#answer();
    const most = r.below(10) === 0 ? 0 : 64, sent = this.#plain.take(most), same = this.#laid.take(most);
    assert.deepEqual(same, sent, "frames");
    for (const frame of sent) this.#peer.see(frame);
    this.#same();
  }

  /** A call that changes little, often with what makes no sense. */
  #call(): void {
    const r = this.#r, x = this.#plain, block = this.#both("configBlock");
    const handle = r.below(3) === 0 ? r.u32() : this.#both("serviceConnection", r.below(10));
    switch (r.below(8)) {
      case 0: case 1: this.#maybe("tcp_info", handle, r.below(4) === 0 ? r.u32() : block); return;
      case 2: this.#maybe("pool", r.below(5)); return;
      case 3: this.#maybe("tcp_send_span", handle); return;
      case 4: this.#maybe("tcp_send_commit", handle, this.#pick([0, 0, 0, r.below(3000), r.u32()])); return;
      case 5: this.#maybe("ip6_info", r.below(9), block); return;
      case 6: this.#maybe("ip6_bytes", r.below(2) === 0 ? r.u32() : 0xf0000000 + r.below(16), block); return;
      default: this.#maybe("serviceAnswer", BigInt(r.u32()) - BigInt(x.word(block)));
    }
  }

  /** What HTTP asks for is a file of some bytes, which change, or none. */
  #answer(): void {
    for (let n = 0; n < 4; n++) {
      const at = this.#both("serviceRequest");
      if (at === 0) return;
      const [want, , , , data, size] = Array.from({ length: 6 }, (_, i) => this.#plain.word(at + 4 * i));
      const length = this.#pick([3000, 3000, 3000, 0, -1, -2]);
      if (want === 2) for (const s of [this.#plain, this.#laid]) s.bytes.fill(this.seed, data, data! + size!);
      this.#both("serviceAnswer", BigInt(want === 1 ? length : this.#r.below(20) === 0 ? -1 : size!));
    }
  }

  #pick<T>(of: readonly T[]): T {
    return of[this.#r.below(of.length)]!;
  }

  #has(name: string): boolean {
    return this.#laid.calls[name] !== undefined;
  }

  #maybe(name: string, ...args: (number | bigint)[]): void {
    if (this.#has(name)) this.#both(name, ...args);
  }

  /** A call of both. Returns what they return. */
  #both(name: string, ...args: (number | bigint)[]): number {
    const one = this.#plain.call(name, ...args), other = this.#laid.call(name, ...args);
    assert.equal(other, one, name);
    return one;
  }

  /** The two have the same memory, and nothing that is fixed was written. */
  #same(): void {
    const one = this.#plain.bytes, other = this.#laid.bytes;
    if (Buffer.compare(one, other) !== 0) {
      const at = one.findIndex((b, i) => b !== other[i]);
      assert.fail(`memory differs at ${at}: ${one[at]} is ${other[at]} where it was laid out before`);
    }
    for (const { at, bytes } of this.#fixed)
      if (bytes.compare(one, at, at + bytes.length) !== 0) assert.fail(`what is fixed at ${at} was written`);
  }
}
