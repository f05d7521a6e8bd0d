/**
 * `npm run sim -- [--seed N] [--seeds COUNT] [--minutes M] [--family 6] [--forever] [--without TROUBLE,…]`: the
 * simulation. A failure is made smaller: as little time, and as few troubles, as it still fails with.
 */
import { Progress } from "../../tools/progress.js";
import { instrumented } from "../fuzz/instrument.js";
import { TROUBLES, World, type Trouble } from "./world.js";

const value = (name: string): string | undefined => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};

function usage(text: string): never {
  console.error(`sim: ${text}`);
  process.exit(2);
}

function number(name: string, otherwise: number): number {
  const n = Number(value(name) ?? otherwise);
  return Number.isFinite(n) && n > 0 ? n : usage(`${name} takes a number above 0`);
}

/** The module with a count of loops, so that a poll without end is found. */
const { module } = instrumented(undefined, { withNotes: false });

function failureOf(seed: number, seconds: number, without: ReadonlySet<Trouble>): Error | undefined {
  try {
    new World(seed, { module, without, family }).run(seconds);
    return undefined;
  } catch (e) {
    return e as Error;
  }
}

function report(seed: number, seconds: number, error: Error): never {
  let without = new Set<Trouble>(), last = error;
  for (const trouble of TROUBLES) {
    const fewer = new Set([...without, trouble]), e = failureOf(seed, seconds, fewer);
    if (e) [without, last] = [fewer, e];
  }
  for (let step = seconds / 2; step >= 1; step /= 2) {
    const e = failureOf(seed, seconds - step, without);
    if (e) [seconds, last] = [seconds - step, e];
  }
  const left = TROUBLES.filter((t) => !without.has(t));
  console.error(
    `seed ${seed}: ${last.stack}\nit needs ${left.length > 0 ? left.join(", ") : "no trouble at all"}\nreplay it `
      + `with: npm run sim -- --seed ${seed} --minutes ${seconds / 60}`
      + (family === 6 ? " --family 6" : "")
      + (without.size > 0 ? ` --without ${[...without].join(",")}` : ""),
  );
  process.exit(1);
}

const seconds = number("--minutes", 1) * 60, forever = process.argv.includes("--forever");
const first = number("--seed", 1), count = forever ? Infinity : number("--seeds", 1);
const without = new Set(
  (value("--without")?.split(",") ?? []).map((t) =>
    (TROUBLES as readonly string[]).includes(t) ? (t as Trouble) : usage(`--without takes ${TROUBLES.join(", ")}`),
  ),
);
const asked = value("--family") ?? "4";
if (asked !== "4" && asked !== "6") usage("--family takes 4 or 6");
const family = asked === "6" ? 6 : 4;
const start = performance.now();
const bar = new Progress("seeds", count);
let fuelMax = 0;
for (let seed = first; seed < first + count; seed++) {
  const world = new World(seed, { module, without, family });
  try {
    world.run(seconds);
  } catch (e) {
    bar.stop();
    report(seed, seconds, e as Error);
  }
  bar.at(seed - first + 1);
  fuelMax = Math.max(fuelMax, world.fuelMax);
  if ((seed - first + 1) % 100 === 0)
    bar.say(`${seed - first + 1} seeds, ${((performance.now() - start) / 1000).toFixed(0)} s`);
}
bar.stop();
console.log(`seeds ${first} to ${first + count - 1}: nothing wrong; at most ${fuelMax} turns of loops in a poll`);
