/**
 * A virtual wire between stacks in one process, in virtual time: an Ethernet segment with delay, rate, loss,
 * duplication, reordering and corruption, all from one seed. Nothing here waits; `run` goes from event to event.
 */
import { Random } from "../random.js";
import { rest } from "../rest.js";
import type { StackModule } from "../stack.js";

/** What the wire does to the frames that one port sends. */
export interface Impairment {
  /** One-way delay, µs. */
  delayUs: number;
  /** Bits a second; 0: no limit. */
  rate: number;
  /** Frames that wait for the rate at most; more are dropped. */
  queue: number;
  /** Shares of frames, 0 … 1. */
  loss: number;
  /** Frames that come twice. */
  duplicate: number;
  /** Frames that come later than others that were sent after them. */
  reorder: number;
  /** Frames of which one bit is turned. */
  corrupt: number;
  /** How much later a reordered frame comes, µs at most. */
  reorderUs: number;
}

/** A wire that does nothing to frames, but for a delay of 1 ms. */
export const PERFECT: Impairment = {
  delayUs: 1000, rate: 0, queue: 1000, loss: 0, duplicate: 0, reorder: 0, corrupt: 0, reorderUs: 3000,
};

/** So many polls at one moment of the wire's time are no rest any more. */
const POLLS_MAX = 100_000;

/** A frame on its way. */
export interface InFlight {
  /** When it was sent, µs. */
  sentUs: number;
  /** When it arrives, µs; NaN: it does not. */
  dueUs: number;
  /** The port that it was sent from. */
  from: number;
  /** Its bytes, from the Ethernet header on. */
  frame: Uint8Array;
  /** What the wire did to it: "", "lost", "duplicate", "reordered", "corrupted". */
  fate: string;
}

interface Port {
  stack: StackModule;
  out: Impairment;
  /** When the stack wants to be polled. */
  wakeUs: number;
  /** Until when the port's transmitter is busy. */
  busyUs: number;
  /** The stack's own clock: how fast it goes, and how far ahead of the wire's it is, µs. */
  clockRate: number;
  clockOffsetUs: number;
  /** Until when the host does nothing at all: it polls no stack and takes in no frame. */
  pausedUntilUs: number;
}

/** An event queue: a binary heap by time, first in first out among equals. */
class Queue {
  #items: { at: number; order: number; item: InFlight; to: number }[] = [];
  #order = 0;

  get nextUs(): number {
    return this.#items[0]?.at ?? Infinity;
  }

  get size(): number {
    return this.#items.length;
  }

  push(at: number, item: InFlight, to: number): void {
    const a = this.#items;
    a.push({ at, order: this.#order++, item, to });
    for (let i = a.length - 1; i > 0;) {
      const p = (i - 1) >> 1;
      if (!this.#before(i, p)) break;
      [a[i], a[p]] = [a[p]!, a[i]!];
      i = p;
    }
  }

  pop(): { item: InFlight; to: number } {
    const a = this.#items, first = a[0]!, last = a.pop()!;
    if (a.length > 0) {
      a[0] = last;
      for (let i = 0; ;) {
        let c = 2 * i + 1;
        if (c >= a.length) break;
        if (c + 1 < a.length && this.#before(c + 1, c)) c++;
        if (!this.#before(c, i)) break;
        [a[i], a[c]] = [a[c]!, a[i]!];
        i = c;
      }
    }
    return first;
  }

  clear(): void {
    this.#items = [];
  }

  #before(i: number, j: number): boolean {
    const a = this.#items[i]!, b = this.#items[j]!;
    return a.at !== b.at ? a.at < b.at : a.order < b.order;
  }
}

/**
 * The wire. Stacks are attached to its ports, and `run` lets time pass.
 *
 * @example
 * ```ts
 * const wire = new Wire(1);
 * wire.attach(a, { loss: 0.01 });
 * wire.attach(b);
 * wire.run(() => a.info(handle).stateName === "ESTABLISHED", 5e6);
 * ```
 */
export class Wire {
  /** The time, µs: it jumps from one event to the next. */
  nowUs: number;
  /** What is attached, by its number. */
  readonly ports: Port[] = [];
  /** Called for each frame when it is sent. */
  onSend: (flight: InFlight) => void = () => {};
  /** Called for each frame when it arrives at a port. */
  onArrive: (flight: InFlight, to: number) => void = () => {};
  /**
   * Called after every poll: to look at states, and for applications to do their part. Returns true if it changed
   * something.
   */
  onPolled: (port: number) => boolean | void = () => {};
  /** Takes the place of chance: what becomes of a frame; undefined: as the impairment has it. */
  decide: (flight: InFlight) => "drop" | "deliver" | undefined = () => undefined;
  /** Whether what one port sends comes through to another: a partition of the network. */
  reaches: (from: number, to: number) => boolean = () => true;
  #random: Random;
  #queue = new Queue();

  constructor(seed = 1, startUs = 0) {
    this.#random = new Random(seed);
    this.nowUs = startUs;
  }

  /** Attaches a stack. Returns its port's number. */
  attach(stack: StackModule, out: Partial<Impairment> = {}): number {
    const port: Port = {
      stack, out: { ...PERFECT, ...out }, wakeUs: this.nowUs, busyUs: 0, clockRate: 1, clockOffsetUs: 0,
      pausedUntilUs: 0,
    };
    this.ports.push(port);
    stack.onWork = () => { port.wakeUs = Math.min(port.wakeUs, this.nowUs); };
    return this.ports.length - 1;
  }

  /** Frames that are on their way. */
  get inFlight(): number {
    return this.#queue.size;
  }

  /** Sends a frame as if port `from` had. */
  inject(from: number, frame: Uint8Array): void {
    this.#transmit(from, frame);
  }

  #transmit(from: number, bytes: Uint8Array): void {
    const port = this.ports[from]!, { out } = port;
    const flight: InFlight = { sentUs: this.nowUs, dueUs: NaN, from, frame: bytes.slice(), fate: "" };
    const verdict = this.decide(flight);
    let at = this.nowUs;
    if (out.rate > 0) {
      const takesUs = (bytes.length * 8e6) / out.rate;
      at = Math.max(at, port.busyUs);
      if ((at - this.nowUs) / takesUs > out.queue) return this.#lost(flight);
      port.busyUs = at += takesUs;
    }
    at += out.delayUs;
    if (verdict === "drop" || (verdict === undefined && this.#random.chance(out.loss))) return this.#lost(flight);
    if (verdict === undefined && this.#random.chance(out.corrupt)) {
      flight.frame[this.#random.below(flight.frame.length)]! ^= 1 << this.#random.below(8);
      flight.fate = "corrupted";
    }
    if (verdict === undefined && this.#random.chance(out.reorder)) {
      at += 1 + this.#random.below(out.reorderUs);
      flight.fate ||= "reordered";
    }
    flight.dueUs = at;
    this.onSend(flight);
    this.#deliverAt(at, flight);
    if (verdict === undefined && this.#random.chance(out.duplicate)) {
      this.#deliverAt(at + 1 + this.#random.below(out.reorderUs), { ...flight, fate: "duplicate" });
    }
  }

  #lost(flight: InFlight): void {
    flight.fate = "lost";
    this.onSend(flight);
  }

  #deliverAt(at: number, flight: InFlight): void {
    this.ports.forEach((_, to) => {
      if (to !== flight.from && this.reaches(flight.from, to)) this.#queue.push(at, flight, to);
    });
  }

  /** Drops everything that is on its way. */
  clear(): void {
    this.#queue.clear();
  }

  /**
   * Runs until `done` says so, nothing is left to do, or `untilUs`. Returns whether `done` ended it. The number of
   * steps is bounded: a livelock throws.
   */
  run(done: () => boolean, untilUs = Infinity, stepsMax = 50_000_000): boolean {
    for (let steps = 0; steps < stepsMax; steps++) {
      if (done()) return true;
      const wake = Math.min(...this.ports.map((p) => Math.max(p.wakeUs, p.pausedUntilUs)));
      const next = Math.max(this.nowUs, Math.min(wake, this.#queue.nextUs));
      if (next === Infinity || next > untilUs) {
        if (untilUs !== Infinity) this.nowUs = Math.max(this.nowUs, untilUs);
        return done();
      }
      this.nowUs = next;
      // All that arrives at one moment is one batch.
      const touched = new Set<number>();
      while (this.#queue.nextUs <= this.nowUs) {
        const { item, to } = this.#queue.pop();
        this.onArrive(item, to);
        if (!this.ports[to]!.stack.pushFrame(item.frame)) {
          // A host that does nothing lets its ring run over.
          if (this.ports[to]!.pausedUntilUs <= this.nowUs) this.poll(to);
          this.ports[to]!.stack.pushFrame(item.frame);
        }
        touched.add(to);
      }
      this.ports.forEach((p, i) => {
        if (p.pausedUntilUs > this.nowUs) {
          if (touched.has(i)) p.wakeUs = 0;
        } else if (touched.has(i) || p.wakeUs <= this.nowUs) {
          this.poll(i);
        }
      });
    }
    throw new Error(`the wire did not come to rest in ${stepsMax} steps`);
  }

  /** Polls one stack and carries its frames off. */
  poll(i: number): void {
    const port = this.ports[i]!;
    const wait = rest(() => {
      port.wakeUs = Infinity;
      return port.stack.poll(this.nowUs * port.clockRate + port.clockOffsetUs);
    }, () => {
      port.stack.drainFrames((frame) => this.#transmit(i, frame));
      return this.onPolled(i);
    }, POLLS_MAX);
    port.wakeUs = Math.min(port.wakeUs, wait < 0 ? Infinity : this.nowUs + Math.ceil(wait / port.clockRate));
  }
}
