/**
 * A virtual wire between stacks in one process, in virtual time: an Ethernet segment with delay, rate, loss,
 * duplication, reordering and corruption, all from one seed. Nothing here waits; `run` goes from event to event.
 */
import { Queue } from "../queue.js";
import { Random } from "../random.js";
import { rest } from "../rest.js";
import type { StackModule } from "../stack.js";
import { Path, PERFECT, type Impairment } from "./path.js";

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
  path: Path;
  /** When the stack wants to be polled. */
  wakeUs: number;
  /** The stack's own clock: how fast it goes, and how far ahead of the wire's it is, µs. */
  clockRate: number;
  clockOffsetUs: number;
  /** Until when the host does nothing at all: it polls no stack and takes in no frame. */
  pausedUntilUs: number;
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
  #queue = new Queue<{ item: InFlight; to: number }>();

  constructor(seed = 1, startUs = 0) {
    this.#random = new Random(seed);
    this.nowUs = startUs;
  }

  /** Attaches a stack. Returns its port's number. */
  attach(stack: StackModule, out: Partial<Impairment> = {}): number {
    const impairment = { ...PERFECT, ...out }, path = new Path(impairment, this.#random);
    const port: Port = {
      stack, out: impairment, path, wakeUs: this.nowUs, clockRate: 1, clockOffsetUs: 0, pausedUntilUs: 0,
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
    const flight: InFlight = { sentUs: this.nowUs, dueUs: NaN, from, frame: bytes.slice(), fate: "" };
    const verdict = this.decide(flight), { path } = this.ports[from]!;
    const isSent = path.send(flight.frame, this.nowUs, verdict, (dueUs, fate) => {
      if (fate === "duplicate") return this.#deliverAt(dueUs, { ...flight, fate });
      Object.assign(flight, { dueUs, fate });
      this.onSend(flight);
      this.#deliverAt(dueUs, flight);
    });
    if (isSent) return;
    flight.fate = "lost";
    this.onSend(flight);
  }

  #deliverAt(at: number, flight: InFlight): void {
    this.ports.forEach((_, to) => {
      if (to !== flight.from && this.reaches(flight.from, to)) this.#queue.push(at, { item: flight, to });
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
