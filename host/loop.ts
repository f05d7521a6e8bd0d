/**
 * Drives one stack: frames from its link, time from its clock, work from its sockets, all in batches. It opens nothing
 * and reads no clock of its own; both are given.
 */
import type { Link } from "./links/link.js";
import { soon } from "./soon.js";
import type { StackModule } from "./stack.js";
import { TIMER_MAX } from "./timer.js";

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
  /** Takes back the poll that comes soon. */
  #takeBack: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;
  #refed = true;

  /** From now on it drives `stack`; `nowUs` is its clock, µs, which must not go back. */
  constructor(
    /** What it drives. */
    readonly stack: StackModule,
    /** What its frames go through. */
    readonly link: Link,
    /** Its clock, µs. */
    readonly nowUs: () => number,
  ) {
    link.onFrame = (frame) => {
      if (!stack.pushFrame(frame)) {
        this.run();
        stack.pushFrame(frame);
      }
      this.kick();
    };
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
    if (this.#stopped || this.#takeBack !== undefined) return;
    this.#takeBack = soon(() => {
      this.#takeBack = undefined;
      this.run();
    });
  }

  /** Polls until nothing is to be done now, and arms the timer for what is to be done later. */
  run(): void {
    if (this.#stopped) return;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const waitUs = this.stack.poll(this.nowUs());
      this.stack.drainFrames((frame) => this.link.send(frame));
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
    clearTimeout(this.#timer);
    // A timer of Node counts whole milliseconds.
    if (waitUs > 0) this.#timer = setTimeout(() => this.run(), Math.min(Math.ceil(waitUs / 1000), TIMER_MAX));
    if (!this.#refed) this.#timer?.unref();
  }

  /** Neither its timer nor its link keep the process alive from now on. */
  unref(): void {
    this.#refed = false;
    this.#timer?.unref();
    this.link.unref?.();
  }

  /** Polls no more. */
  stop(): void {
    this.#stopped = true;
    this.#takeBack?.();
    clearTimeout(this.#timer);
  }
}

/** The host's monotonic clock, µs. */
export function monotonicUs(): number {
  return performance.now() * 1000;
}
