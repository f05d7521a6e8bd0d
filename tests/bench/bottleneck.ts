/** A bottleneck in real time: a rate, a queue that drops at its tail, and a delay. */

interface Waiting {
  frame: Uint8Array;
  /** When its last bit has left the queue, and when it arrives, ms. */
  leaves: number;
  arrives: number;
}

export class Bottleneck {
  #waiting: Waiting[] = [];
  #head = 0;
  #free = 0;
  drops = 0;

  /** `rate` in bit/s, Infinity: none; `queue` in bytes; `delayMs` one way. */
  constructor(
    readonly rate: number, readonly queue: number, readonly delayMs: number,
    readonly deliver: (frame: Uint8Array) => void,
  ) {}

  push(frame: Uint8Array): void {
    const now = performance.now();
    let queued = 0;
    for (let i = this.#waiting.length - 1; i >= this.#head && this.#waiting[i]!.leaves > now; i--)
      queued += this.#waiting[i]!.frame.length;
    if (queued + frame.length > this.queue) {
      this.drops++;
      return;
    }
    this.#free = Math.max(now, this.#free) + (8000 * frame.length) / this.rate;
    this.#waiting.push({ frame: frame.slice(), leaves: this.#free, arrives: this.#free + this.delayMs });
  }

  /** Hands over what has arrived by now. */
  tick(): void {
    const now = performance.now();
    while (this.#head < this.#waiting.length && this.#waiting[this.#head]!.arrives <= now)
      this.deliver(this.#waiting[this.#head++]!.frame);
    if (this.#head <= 1000) return;
    this.#waiting.splice(0, this.#head);
    this.#head = 0;
  }
}
