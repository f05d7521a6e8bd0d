/** A stack in virtual time that tests hand frames to and poll: every frame that it sends is looked at. */
import assert from "node:assert/strict";
import type { StackOptions } from "../../host/config.js";
import { loadModule } from "../../host/module.js";
import { rest } from "../../host/rest.js";
import { StackModule } from "../../host/stack.js";
import { see, type Seen } from "./codec.js";
import { StackModule6 } from "./family6.js";
import { ARENA_AT, Guards, unseen } from "./configs.js";

/** STINT_DRAW: a seed, from which each stack of the tests gets its sizes. 0: what the tests say, and defaults. */
const DRAW = Number(process.env["STINT_DRAW"] ?? 0);

/** STINT_FAMILY=6: what tests say of IPv4 is done over IPv6. */
export const FAMILY6 = process.env["STINT_FAMILY"] === "6";

export class Polled {
  nowUs = 1_000_000;
  /** Frames that came and were not looked at. */
  out: Seen[] = [];
  /** Events by handle since the start; 0 is the stack itself. */
  events = new Map<number, number>();
  /** How often an event of the stack itself came. */
  told = 0;
  #wait = -1;

  #guards: Guards | undefined;

  constructor(readonly stack: StackModule) {
    const { arenaBase, arenaSize } = stack.options;
    if (DRAW !== 0 && arenaBase === ARENA_AT) this.#guards = new Guards(stack.memory, arenaSize!);
  }

  /** A stack with these options; with STINT_DRAW, what they leave open is drawn, in a memory with guards around. */
  static stack(options: StackOptions): StackModule {
    const module = loadModule();
    if (FAMILY6) return new StackModule6(module, options);
    return new StackModule(module, DRAW === 0 ? options : unseen(module, options, DRAW));
  }

  /** Takes a frame that the stack sent. Returns a frame that answers it at once, before the test looks. */
  protected take(seen: Seen): Uint8Array | undefined {
    this.out.push(seen);
    return undefined;
  }

  /** Polls until the stack is at rest, and collects what it sends. */
  poll(): void {
    this.#wait = rest(() => this.stack.poll(this.nowUs), () => {
      let again = false;
      this.stack.drainFrames((f) => {
        const answer = this.take(see(f.slice()));
        if (answer === undefined) return;
        this.stack.pushFrame(answer);
        again = true;
      });
      this.stack.drainEvents((handle, bits) => {
        this.events.set(handle, (this.events.get(handle) ?? 0) | bits);
        if (handle === 0) this.told++;
      });
      return again;
    });
    this.#guards?.look(this.stack.memory);
    assert.equal(this.#guards?.broken(), undefined, "nothing is written beside the arena");
  }

  /** Hands one frame over and polls. */
  frame(bytes: Uint8Array): void {
    assert.ok(this.stack.pushFrame(bytes));
    this.poll();
  }

  /** Hands several frames over as one batch. */
  batch(...frames: Uint8Array[]): void {
    for (const f of frames) assert.ok(this.stack.pushFrame(f));
    this.poll();
  }

  /** Lets time pass, stopping wherever the stack wants to be polled. */
  advance(ms: number): void {
    const until = this.nowUs + ms * 1000;
    for (let i = 0; i < 100_000 && this.#wait >= 0 && this.nowUs + this.#wait <= until; i++) {
      this.nowUs += this.#wait;
      this.poll();
    }
    this.nowUs = until;
    this.poll();
  }
}
