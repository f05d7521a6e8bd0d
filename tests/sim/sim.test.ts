/** The simulation over a range of seeds. `npm run sim -- --seed N` replays one. */
import { describe, it } from "node:test";
import { World } from "./world.js";

const SEEDS = 500;
const SECONDS = 60;

describe("simulation", () => {
  it(`${SEEDS} seeds of ${SECONDS} s: every stream is delivered in order, once, or reset; everything ends; `
      + "all pools fill up again", () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      try {
        new World(seed).run(SECONDS);
      } catch (e) {
        throw new Error(`seed ${seed}: ${(e as Error).message}\nreplay it with: npm run sim -- --seed ${seed}`, {
          cause: e,
        });
      }
    }
  });
});
