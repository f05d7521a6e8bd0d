/** The simulation over a range of seeds. `npm run sim -- --seed N` replays one. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { World } from "./world.js";

/** Seeds of worlds of each family. */
const WORLDS = [[4, 500], [6, 80]] as const;
const SECONDS = 60;

describe("simulation", () => {
  for (const [family, seeds] of WORLDS) {
    it(`${seeds} seeds of ${SECONDS} s over IPv${family}: every stream is delivered in order, once, or reset; `
        + "everything ends; all pools fill up again", () => {
      for (let seed = 1; seed <= seeds; seed++) {
        try {
          new World(seed, { family }).run(SECONDS);
        } catch (e) {
          const again = `npm run sim -- --seed ${seed} --family ${family}`;
          throw new Error(`seed ${seed}: ${(e as Error).message}\nreplay it with: ${again}`, { cause: e });
        }
      }
    });
  }

  it("over IPv6 no packet is IPv4's, and connections are made", () => {
    const world = new World(1, { family: 6 }), kinds = new Set<number>();
    world.wire.onSend = ({ frame }) => kinds.add((frame[12]! << 8) | frame[13]!);
    world.run(SECONDS);
    assert.deepEqual([...kinds], [0x86dd]);
    assert.ok(world.ends.filter((end) => end.read > 0).length > 2);
  });
});
