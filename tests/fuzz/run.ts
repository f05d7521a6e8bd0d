/**
 * `npm run fuzz [-- --frames N] [--seed S] [--workers N] [--replay HEX [--config C]]`: a coverage-guided fuzzer over
 * frames and calls. It keeps inputs that made a condition go a way that it had not gone before, and mutates them.
 * Workers, one a processor, begin with seeds of their own and tell each other what they keep. A failure prints the
 * command that replays it, shortened.
 */
import { availableParallelism } from "node:os";
import { Progress } from "../../tools/progress.js";
import { failureIn, fuzz, replayOf, type FuzzResult } from "./fuzz.js";
import { instrumented } from "./instrument.js";
import { inParallel } from "./parallel.js";
import { Target } from "./target.js";

function say(r: FuzzResult): string {
  return (
    `${r.frames} frames in ${r.seconds.toFixed(1)} s (${Math.round(r.frames / r.seconds)} a second), `
      + `${r.runs} inputs, ${r.corpus} kept, `
    + `${r.covered} of ${r.ways} ways (${((100 * r.covered) / r.ways).toFixed(1)} %), `
    + `at most ${r.fuelMax} turns of loops in a poll`
    + (r.still.length > 0 ? `; counters that did not move: ${r.still.join(", ")}` : "")
  );
}

async function main(): Promise<void> {
  const value = (name: string, fallback: string): string => {
    const i = process.argv.indexOf(name);
    return i > 0 ? process.argv[i + 1] ?? fallback : fallback;
  };
  const replay = value("--replay", "");
  // A configuration may go wrong without any input.
  if (process.argv.includes("--replay")) {
    const what = failureIn(() =>
      new Target(instrumented(), Number(value("--config", "0"))).run(Uint8Array.from(Buffer.from(replay, "hex"))),
    );
    console.log(what ?? "nothing happens");
    process.exitCode = what === undefined ? 0 : 1;
    return;
  }
  const frames = Number(value("--frames", "1000000"));
  const seed = Number(value("--seed", "1"));
  const workers = Number(value("--workers", String(Math.min(16, availableParallelism()))));
  if (
    !Number.isInteger(frames)
    || frames < 1
    || !Number.isInteger(seed)
    || !Number.isInteger(workers)
    || workers < 1
    || workers > 16
  ) {
    console.error("fuzz: --frames and --seed take whole numbers, --workers one from 1 to 16");
    process.exitCode = 2;
    return;
  }
  const bar = new Progress("frames", frames);
  const progress = (p: FuzzResult): void => {
    bar.say(`  ${say(p)}`);
    bar.at(p.frames);
  };
  const r = workers === 1 ? fuzz(frames, seed, progress) : await inParallel(frames, seed, workers, progress);
  bar.stop();
  console.log(say(r));
  if (r.failure) {
    console.error(`${r.failure.what}\nreplay it with: ${replayOf(r.failure)}`);
    process.exitCode = 1;
  }
}

await main();
