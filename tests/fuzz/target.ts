/**
 * A stack that is fuzzed: scenes to start from, inputs that are read as frames and calls, and what must hold after each
 * of them. An input is a string of bytes, out of which every choice is made, so that any string is one, and mutating it
 * mutates choices.
 */
import { COUNTERS } from "../../host/counters.js";
import { type Ledger } from "./bites.js";
import { call } from "./calls.js";
import { Choices } from "./choices.js";
import { frame } from "./frames.js";
import { Broken, holds } from "./holds.js";
import { type Instrumented } from "./instrument.js";
import { makeScenes } from "./scenes.js";
import { Subject } from "./subject.js";

const OPS_MAX = 48;

export class Target extends Subject {
  /** What is counted of each frame that had a poll of its own, if anybody wants to know. */
  ledger: Ledger | undefined;
  /** Which counters ever moved in a run. */
  readonly moved = new Uint8Array(COUNTERS.length);

  /** `config`: the number of a configuration, see `configuration`. */
  constructor(built: Instrumented, config = 0) {
    super(built, config);
    makeScenes(this);
    this.recording = false;
  }

  /** Runs one input. Throws Broken, or whatever the module trapped with. */
  run(bytes: Uint8Array): void {
    const c = new Choices(bytes);
    this.restore(this.scenes[c.below(this.scenes.length)]!);
    this.notes.fill(0);
    const counters = this.exports.counters() >>> 2, first = this.u32.slice(counters, counters + COUNTERS.length);
    // A run that trapped may have left none.
    (this.exports as unknown as { fuel: WebAssembly.Global }).fuel.value = 0x7fffffff;
    for (let i = 0; i < OPS_MAX && c.left; i++) {
      const kind = c.below(16);
      // Some frames share a poll.
      if (kind < 10) this.#frameOp(c, kind > 1);
      else if (kind < 12)
        this.time([1, 1000, 40_000, 200_000, 1_000_000, 3_000_000, 60_000_000, 3_600_000_000][c.below(8)]!);
      else {
        call(this, c);
        this.poll();
      }
      holds(this);
    }
    for (let i = 0; i < COUNTERS.length; i++) if (this.u32[counters + i] !== first[i]) this.moved[i] = 1;
    const broken = this.guards.broken();
    if (broken === undefined) return;
    this.guards.mend();
    throw new Broken(`memory that is not the stack's was written: ${broken}`);
  }

  #frameOp(c: Choices, poll: boolean): void {
    const ledger = poll ? this.ledger : undefined, before = ledger && this.look();
    const made = frame(this, c);
    // The same again and again: duplicates, and floods.
    for (let n = c.below(16) ? 0 : 1 + c.below(4); n > 0; n--) this.push(made);
    this.push(made);
    if (!poll) return;
    this.poll();
    if (ledger) ledger.note(this.made, before!, this.look());
  }
}
