/** A short run of the fuzzer, and that it would notice. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Ledger } from "./bites.js";
import { fuzz, replayOf } from "./fuzz.js";
import { instrumented } from "./instrument.js";
import { Broken } from "./holds.js";
import { Target } from "./target.js";

describe("fuzzer", () => {
  it("finds nothing in 1,500,000 frames, takes each way of making a frame, moves each counter, "
      + "and sees more than half of the ways that conditions can go", () => {
    const ledger = new Ledger(), r = fuzz(1_500_000, 42, undefined, undefined, ledger);
    assert.equal(r.failure, undefined, r.failure && `${r.failure.what}: ${replayOf(r.failure)}`);
    assert.deepEqual(ledger.never, [], "ways of making a frame of which the stack took none in");
    assert.deepEqual(r.still, [], "counters that no input moved");
    assert.ok(r.covered > r.ways / 2, `${r.covered} of ${r.ways}`);
    assert.ok(r.corpus > 100);
  });

  it("replays an input to the last byte of memory", () => {
    const built = instrumented(), input = Uint8Array.from({ length: 300 }, (_, i) => i * 31);
    const memory = [new Target(built), new Target(built)].map((t) => {
      t.run(input);
      return Buffer.from(t.stack.memory.slice());
    });
    assert.ok(memory[0]!.equals(memory[1]!));
  });

  it("notices a write behind the stack's memory, a loop that does not end, and a broken relation", () => {
    const built = instrumented(), target = new Target(built), guard = target.guardAt;
    const input = Uint8Array.from({ length: 100 }, (_, i) => i * 13);
    target.stack.memory[guard + 8] = 0;
    assert.throws(() => target.run(input), Broken);
    target.stack.memory[guard + 8] = 0xa5;
    target.run(input);
    const fuel = (target.exports as unknown as { fuel: WebAssembly.Global }).fuel;
    assert.throws(() => {
      fuel.value = 0;
      target.exports.poll(1n);
      target.exports.event_next();
      for (let i = 0; i < 100; i++) target.exports.tcp_listen(0, 1, 1);
    }, WebAssembly.RuntimeError);
  });
});
