/** A ring of frames in shared memory: one thread puts, another takes. */

/** Places of the head, the tail and the doorbell's flag; then the lengths, then the slots. */
const HEAD = 0, TAIL = 1, RUNG = 2, LENGTHS = 3;

/** The ring as one of both threads sees it. */
export class FrameRing {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #slots: number;
  readonly #base: number;

  /** Over memory that `allocate` made. */
  constructor(readonly memory: SharedArrayBuffer, readonly stride: number) {
    this.#slots = Math.floor((memory.byteLength - LENGTHS * 4) / (stride + 4));
    this.#words = new Int32Array(memory, 0, LENGTHS + this.#slots);
    this.#bytes = new Uint8Array(memory);
    this.#base = (LENGTHS + this.#slots) * 4;
  }

  /** Room for `slots` frames of up to `stride` bytes. */
  static allocate(slots: number, stride: number): FrameRing {
    return new FrameRing(new SharedArrayBuffer(LENGTHS * 4 + slots * (stride + 4)), stride);
  }

  /** Whether there was room for it, and it is none too long. */
  put(frame: Uint8Array): boolean {
    const tail = this.#words[TAIL]!;
    if (frame.length > this.stride || ((tail - Atomics.load(this.#words, HEAD)) | 0) >= this.#slots) return false;
    const slot = (tail >>> 0) % this.#slots;
    this.#bytes.set(frame, this.#base + slot * this.stride);
    this.#words[LENGTHS + slot] = frame.length;
    // What was written is there once the tail has moved.
    Atomics.store(this.#words, TAIL, (tail + 1) | 0);
    return true;
  }

  /** Hands over what there is, up to `most` frames, while `take` says that it took one. Returns how many. */
  take(take: (frame: Uint8Array) => boolean, most = Infinity): number {
    let n = 0;
    for (const tail = Atomics.load(this.#words, TAIL); this.#words[HEAD] !== tail && n < most; n++) {
      const head = this.#words[HEAD]!, slot = (head >>> 0) % this.#slots, at = this.#base + slot * this.stride;
      if (!take(this.#bytes.subarray(at, at + this.#words[LENGTHS + slot]!))) break;
      Atomics.store(this.#words, HEAD, (head + 1) | 0);
    }
    return n;
  }

  get isEmpty(): boolean {
    return Atomics.load(this.#words, TAIL) === this.#words[HEAD];
  }

  /** Wakes who sleeps in `wait`. */
  wake(): void {
    Atomics.notify(this.#words, TAIL);
  }

  /** Sleeps until something is put, somebody wakes us, or `ms` have passed. */
  wait(ms: number): void {
    if (this.isEmpty) Atomics.wait(this.#words, TAIL, this.#words[HEAD]!, ms);
  }

  /** For one who cannot sleep: whether the bell has to be rung, since it was not since `answer`. */
  ring(): boolean {
    return Atomics.exchange(this.#words, RUNG, 1) === 0;
  }

  /** To be called before the ring is emptied: what is put from now on rings the bell again. */
  answer(): void {
    Atomics.store(this.#words, RUNG, 0);
  }
}
