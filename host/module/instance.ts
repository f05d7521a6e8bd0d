/** The module in its memory: laid out, given frames, polled. Whoever has it owns its clock. */
import { CONFIG_FIELDS, configNumbers, type ConfigField, type StackOptions } from "../config.js";
import { configFault, memoryFault } from "../config-fault.js";
import { COUNTERS, type Counter } from "../counters.js";
import { ERR, StintError } from "../errors.js";
import { lengthAt, type FrameRing } from "../links/frames.js";
import {
  BLOCK_SIZE, CONFIG_SIZE, ENTROPY_AT, ENTROPY_SIZE, FRAME_OFFSET, SLOT_RING, SLOT_RING_SIZE, type Calls,
} from "./layout.js";

/** What build/stint.wasm exports. */
export interface Exports extends Calls {
  memory: WebAssembly.Memory;
}

interface Ring extends FrameRing {
  /** Index of the ring's first word in `u32`. */
  word: number;
  /** A view of each slot, from the frame's first byte on. */
  slots: Uint8Array[];
}

/** A field of what a call writes: a u32 where no type is told. */
interface Field { at: number; type?: "u8" | "i8" | "u16" | "u64" }

/** The module instantiated: its memory, its rings of frames and its clock, in µs. */
export class Instance {
  /** What the module exports, as it is. */
  readonly exports: Exports;
  /** What it was made with. */
  readonly options: StackOptions;
  /** Bytes of arena in use. */
  readonly arenaBytes: number;
  /** Largest packet of the link, bytes. */
  readonly mtu: number;
  /** Whatever uses the module calls it after it changed something, so that the owner of the clock polls soon. */
  onWork: () => void = () => {};
  /** @internal */
  protected u8: Uint8Array;
  /** @internal */
  protected u32: Uint32Array;
  #rx: Ring;
  #tx: Ring;
  /**
   * Where calls find what they are given, and write what they tell.
   * @internal
   */
  protected readonly scratch: number;
  #nowUs = 0;
  /** @internal */
  protected readonly numbers: ReturnType<typeof configNumbers>;

  /** Instantiates the module and lays it out. Throws a StintError: CONFIG, ENTROPY or NO_MEMORY. */
  constructor(module: WebAssembly.Module, options: StackOptions, imports: WebAssembly.Imports = {}) {
    const instance = new WebAssembly.Instance(module, imports);
    // A module that is made to be linked has the memory that it is given.
    const given = imports["env"]?.["memory"];
    this.exports = {
      ...instance.exports, ...(given instanceof WebAssembly.Memory ? { memory: given } : {}),
    } as unknown as Exports;
    this.options = options;
    const numbers = configNumbers(options);
    // An arena at a place of the host's choice: the memory reaches beyond its end.
    const pages =
      Math.floor((numbers.arenaBase + numbers.arenaSize) / 65536) + 1 - this.exports.memory.buffer.byteLength / 65536;
    if (numbers.arenaBase !== 0 && given === undefined && pages > 0) this.exports.memory.grow(pages);
    this.numbers = numbers;
    const block = this.exports.configBlock();
    this.scratch = block;
    this.#writeConfig(block, numbers, options.entropy ?? crypto.getRandomValues(new Uint8Array(ENTROPY_SIZE)));
    const size = this.exports.layoutSize(block);
    if (size < 0n) throw new StintError(Number(size), "cannot lay the stack out", this.#why(Number(size), numbers));
    this.arenaBytes = Number(size);
    this.mtu = numbers.mtu;
    // An application that has the stack inside lays it out itself.
    const start = (this.exports as { app_start?: (block: number) => number }).app_start;
    const result = start ? start(block) : this.exports.init(block);
    if (result < 0) throw new StintError(result, "cannot start the stack", this.#why(result, numbers, this.arenaBytes));
    this.u8 = new Uint8Array(this.exports.memory.buffer);
    this.u32 = new Uint32Array(this.exports.memory.buffer);
    const control = this.exports.controlBlock() >>> 2;
    this.#rx = this.#ring(control);
    this.#tx = this.#ring(control + SLOT_RING_SIZE / 4);
  }

  /** What the module's refusal to start is due to. */
  #why(result: number, numbers: Record<string, number>, bytes?: number): string | undefined {
    if (result === ERR.CONFIG) return configFault(numbers);
    return result === ERR.NO_MEMORY ? memoryFault(numbers, bytes) : undefined;
  }

  #writeConfig(block: number, numbers: Record<string, number>, entropy: Uint8Array): void {
    const view = new DataView(this.exports.memory.buffer, block, BLOCK_SIZE);
    numbers["size"] = CONFIG_SIZE;
    CONFIG_FIELDS.forEach((field, i) => {
      // What the block would hold in another form was not meant by anybody.
      if (numbers[field]! >>> 0 !== numbers[field])
        throw new StintError(
          "CONFIG", "cannot lay the stack out",
          configFault(numbers) ?? `${field} is ${numbers[field]}; it must be a whole number from 0 to 4294967295`,
        );
      view.setUint32(i * 4, numbers[field], true);
    });
    if (entropy.length !== ENTROPY_SIZE) throw new RangeError("entropy is 32 bytes");
    new Uint8Array(this.exports.memory.buffer, block + ENTROPY_AT, ENTROPY_SIZE).set(entropy);
  }

  #ring(word: number): Ring {
    const mask = this.u32[word + SLOT_RING.mask / 4]!, stride = this.u32[word + SLOT_RING.stride / 4]!;
    const base = this.u32[word + SLOT_RING.slots / 4]! + FRAME_OFFSET;
    const slots = Array.from({ length: mask + 1 }, (_, i) =>
      this.u8.subarray(base + i * stride, base + (i + 1) * stride - FRAME_OFFSET),
    );
    const lengths = this.u32[word + SLOT_RING.lengths / 4]! >>> 2;
    return { word, mask, lengths, slots, u8: this.u8, u32: this.u32, first: base, stride, size: stride - FRAME_OFFSET };
  }

  /** A copy of everything that the stack is. */
  save(): Uint8Array {
    // What the last call left there has been read: no part of the stack.
    this.u8.fill(0, this.scratch, this.scratch + BLOCK_SIZE);
    return this.u8.slice();
  }

  /** Makes the stack what it was when `memory` was saved; `nowUs`: the time then. */
  restore(memory: Uint8Array, nowUs: number): void {
    this.u8.set(memory);
    this.#nowUs = nowUs;
  }

  // Frames

  /**
   * Puts a frame into the ring to the stack. Returns false when the ring is full: poll first. Too long: dropped by the
   * stack.
   */
  pushFrame(frame: Uint8Array): boolean {
    const { word, mask, lengths, slots } = this.#rx;
    const tail = this.u32[word + SLOT_RING.tail / 4]!, head = this.u32[word + SLOT_RING.head / 4]!;
    if (((tail - head) >>> 0) > mask) return false;
    const slot = slots[tail & mask]!;
    slot.set(frame.length <= slot.length ? frame : frame.subarray(0, slot.length));
    this.u32[lengths + (tail & mask)] = frame.length;
    this.u32[word + SLOT_RING.tail / 4] = tail + 1;
    return true;
  }

  /**
   * Hands every frame from the stack to `take`: a view that is valid only during the call. Returns how many there were.
   */
  drainFrames(take: (frame: Uint8Array) => void): number {
    const { word, mask, lengths, slots } = this.#tx;
    let head = this.u32[word + SLOT_RING.head / 4]!;
    const tail = this.u32[word + SLOT_RING.tail / 4]!;
    const n = this.#claimed(this.#tx, head, tail);
    for (; head !== tail; head = (head + 1) >>> 0) {
      const slot = slots[head & mask]!, size = this.u32[lengths + (head & mask)]!;
      this.#checkSize(size, slot.length);
      take(slot.subarray(0, size));
    }
    this.u32[word + SLOT_RING.head / 4] = head;
    return n;
  }

  /**
   * Lets `fill` put frames into the ring to the stack in place: from slot `at` on, `room` at most. It returns how many
   * it has put there, and so does this.
   * @internal
   */
  fillFrames(fill: (ring: FrameRing, at: number, room: number) => number): number {
    const ring = this.#inside(this.#rx), { word, mask } = ring;
    const tail = this.u32[word + SLOT_RING.tail / 4]!, used = (tail - this.u32[word + SLOT_RING.head / 4]!) >>> 0;
    const n = used > mask ? 0 : fill(ring, tail, mask + 1 - used);
    this.u32[word + SLOT_RING.tail / 4] = tail + n;
    return n;
  }

  /**
   * Hands the slots of all frames from the stack to `take`, `count` from `at` on, which reads them in place.
   * @internal
   */
  lendFrames(take: (ring: FrameRing, at: number, count: number) => void): number {
    const ring = this.#inside(this.#tx), { word, size } = ring;
    const head = this.u32[word + SLOT_RING.head / 4]!, tail = this.u32[word + SLOT_RING.tail / 4]!;
    const n = this.#claimed(ring, head, tail);
    for (let i = 0; i < n; i++) this.#checkSize(this.u32[lengthAt(ring, head + i)]!, size);
    if (n > 0) take(ring, head, n);
    this.u32[word + SLOT_RING.head / 4] = tail;
    return n;
  }

  /** A ring that others read and write by addresses: it must lie in the memory, whatever the module says. */
  #inside(ring: Ring): Ring {
    const end = ring.first + (ring.mask + 1) * ring.stride;
    if (end > this.u8.length || ring.lengths + ring.mask >= this.u32.length || ring.size < 0)
      throw new WebAssembly.RuntimeError("the stack claims slots that are not in its memory");
    return ring;
  }

  /** Whatever has become of the memory, no more is handed out than there can be. */
  #claimed(ring: Ring, head: number, tail: number): number {
    const n = (tail - head) >>> 0;
    if (n > ring.mask + 1)
      throw new WebAssembly.RuntimeError(`the stack claims ${n} frames, more than its ${ring.mask + 1} slots hold`);
    return n;
  }

  #checkSize(size: number, most: number): void {
    if (size > most)
      throw new WebAssembly.RuntimeError(`the stack claims a frame of ${size} bytes, which is longer than a slot`);
  }

  /** Does what is due at `nowUs`. Returns µs until the next call at the latest; 0: at once; −1: nothing is due. */
  poll(nowUs: number): number {
    this.#nowUs = nowUs;
    return this.exports.poll(BigInt(Math.floor(nowUs)));
  }

  /** Calls `take` for each socket that has something to tell, with bits of EVENT. */
  drainEvents(take: (handle: number, bits: number) => void): void {
    for (let e = this.exports.event_next(); e !== 0n; e = this.exports.event_next()) {
      take(Number(e >> 32n), Number(e & 0xffffffffn));
    }
  }

  /**
   * Changes numbers of the running configuration: those from `policy` to `firstByteMs`. Throws ARGUMENT; those before
   * it stay changed.
   */
  tune(numbers: Partial<Record<ConfigField, number>>): void {
    for (const [field, value] of Object.entries(numbers)) {
      this.checked(
        this.exports.tune(CONFIG_FIELDS.indexOf(field as ConfigField), value), `cannot set ${field} to ${value}`,
      );
    }
  }

  /** A number of the configuration that the stack started with. */
  configured(field: ConfigField): number {
    return this.numbers[field];
  }

  /** The memory grew or was replaced: all views are made anew. */
  refreshViews(): void {
    this.u8 = new Uint8Array(this.exports.memory.buffer);
    this.u32 = new Uint32Array(this.exports.memory.buffer);
    const control = this.exports.controlBlock() >>> 2;
    this.#rx = this.#ring(control);
    this.#tx = this.#ring(control + SLOT_RING_SIZE / 4);
  }

  /** The counters, by name; they run from 0, modulo 2^32. */
  counters(): Record<Counter, number> {
    const word = this.exports.counters() >>> 2;
    return Object.fromEntries(COUNTERS.map((name, i) => [name, this.u32[word + i]!])) as Record<Counter, number>;
  }

  /** The module's memory: for snapshots, and for applications that read and write in place. */
  get memory(): Uint8Array {
    return this.u8;
  }

  // For those who make calls of it.

  /**
   * What a call returned; negative: it failed, and `what` says at what.
   * @internal
   */
  protected checked(result: number, what: string): number {
    this.answered(result, what);
    this.onWork();
    return result;
  }

  /**
   * The same of a question, which makes no work.
   * @internal
   */
  protected answered(result: number, what: string): number {
    if (result < 0) throw new StintError(result, what);
    return result;
  }

  /**
   * Milliseconds to a moment of the clock of `poll`.
   * @internal
   */
  protected untilMs(us: number): number {
    return us >= 2 ** 63 ? Infinity : Math.max(0, Math.ceil((us - this.#nowUs) / 1000));
  }

  /**
   * The record that a call wrote into the scratch memory.
   * @internal
   */
  protected read<Name extends string>(record: Record<Name, Field>): Record<Name, number> {
    const view = new DataView(this.exports.memory.buffer, this.scratch, BLOCK_SIZE);
    const out = {} as Record<Name, number>;
    for (const [name, { at, type }] of Object.entries<Field>(record)) {
      switch (type) {
        case "u8": out[name as Name] = view.getUint8(at); break;
        case "i8": out[name as Name] = view.getInt8(at); break;
        case "u16": out[name as Name] = view.getUint16(at, true); break;
        case "u64": out[name as Name] = Number(view.getBigUint64(at, true)); break;
        default: out[name as Name] = view.getUint32(at, true);
      }
    }
    return out;
  }
}
