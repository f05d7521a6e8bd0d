/**
 * Drives one stack: frames from its link, time from its clock, work from its sockets, all in batches. It opens nothing
 * and reads no clock of its own; both are given.
 */
import { realTime, type Alarm, type Clock } from "./clock.js";
import type { FrameBatches } from "./links/frames.js";
import type { Link } from "./links/link.js";
import type { StackModule } from "./stack.js";

/** Turns of one run before others have theirs. */
const ROUNDS_MAX = 64;

/** Polls a stack whenever a frame, its clock or a call of ours asks for it. `Stack.open` makes one by itself. */
export class Loop {
  /** Called for each socket that has something to tell, with bits of EVENT. */
  onEvent: (handle: number, bits: number) => void = () => {};
  /**
   * Called after each poll, in place of `onEvent`, when an application inside the module takes the events; true: poll
   * again.
   */
  onPolled: (() => boolean) | undefined;
  /** Called when the link loses its device, and when it has one again. */
  onLink: (up: boolean, why?: Error) => void = () => {};
  /** What moves frames from and to the module's slots, if the link can. */
  readonly #batches: FrameBatches | undefined;
  /** The poll that comes soon, and the one that comes in time. */
  #soon: Alarm | undefined;
  #timer: Alarm | undefined;
  #stopped = false;
  #refed = true;

  /** Its clock. */
  readonly clock: Clock;

  /** From now on it drives `stack`; `clock` is its clock, or the time alone, µs, which must not go back. */
  constructor(
    /** What it drives. */
    readonly stack: StackModule,
    /** What its frames go through. */
    readonly link: Link,
    clock: Clock | (() => number),
  ) {
    this.clock = typeof clock === "function" ? realTime(clock) : clock;
    link.onFrame = (frame) => {
      if (!stack.pushFrame(frame)) {
        this.run();
        stack.pushFrame(frame);
      }
      this.kick();
    };
    this.#batches = link.batches;
    if (this.#batches) this.#batches.onReady = () => this.#take(this.#batches!);
    link.onChange = (up, why) => {
      if (this.#stopped) return;
      if (up) stack.linkChanged();
      this.kick();
      this.onLink(up, why);
    };
    stack.onWork = () => this.kick();
    this.kick();
  }

  /** Sees to it that the stack is polled soon, once for all that happens until then. */
  kick(): void {
    if (this.#stopped || this.#soon !== undefined) return;
    this.#soon = this.clock.after(0, () => {
      this.#soon = undefined;
      this.run();
    });
  }

  /** Takes what waits in the link. */
  #take(batches: FrameBatches): void {
    for (let round = 0; round < ROUNDS_MAX && !this.#stopped; round++) {
      const n = this.stack.fillFrames((ring, at, room) => batches.fill(ring, at, room));
      if (n === 0) break;
      this.run();
    }
  }

  /** Polls until nothing is to be done now, and arms the timer for what is to be done later. */
  run(): void {
    if (this.#stopped) return;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const waitUs = this.stack.poll(this.clock.nowUs());
      if (this.#batches) this.stack.lendFrames((ring, at, count) => this.#batches!.drain(ring, at, count));
      else this.stack.drainFrames((frame) => this.link.send(frame));
      let again = waitUs === 0;
      if (this.onPolled) again = this.onPolled() || again;
      else this.stack.drainEvents((handle, bits) => this.onEvent(handle, bits));
      if (again) continue;
      this.#arm(waitUs);
      return;
    }
    this.kick();
  }

  #arm(waitUs: number): void {
    this.#timer?.cancel();
    this.#timer = waitUs > 0 ? this.clock.after(waitUs, () => this.run()) : undefined;
    if (!this.#refed) this.#timer?.unref?.();
  }

  /** Neither its timer nor its link keep the process alive from now on. */
  unref(): void {
    this.#refed = false;
    this.#timer?.unref?.();
    this.link.unref?.();
  }

  /** Polls no more. */
  stop(): void {
    this.#stopped = true;
    if (this.#batches) this.#batches.onReady = undefined;
    this.#soon?.cancel();
    this.#timer?.cancel();
  }
}
