/**
 * `npm run fuzz [-- --frames N] [--seed S] [--replay HEX]`: a coverage-guided fuzzer over frames and calls. It keeps inputs that made a
 * condition go a way that it had not gone before, and mutates them. A failure prints the command that replays it, shortened.
 */
import { Random } from "../../host/random.js";
import { instrumented } from "./instrument.js";
import { Broken, Target } from "./target.js";

export interface FuzzResult {
  frames: number;
  runs: number;
  corpus: number;
  /** Ways that conditions went, of all that there are. */
  covered: number;
  ways: number;
  fuelMax: number;
  seconds: number;
  failure?: { input: Uint8Array; what: string };
}

const INPUT_MAX = 1000;

function joined(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  parts.reduce((at, p) => (out.set(p, at), at + p.length), 0);
  return out;
}

function mutated(r: Random, a: Uint8Array, b: Uint8Array): Uint8Array {
  let out: Uint8Array = a.slice();
  for (let n = 1 + r.below(4); n > 0; n--) {
    const at = r.below(out.length + 1);
    switch (r.below(6)) {
      case 0: if (at < out.length) out[at] = r.u32(); break;
      case 1: if (at < out.length) out[at]! ^= 1 << r.below(8); break;
      case 2: if (at < out.length) out[at]! += r.chance(0.5) ? 1 : 255; break;
      case 3: out = joined(out.subarray(0, at), r.bytes(1 + r.below(30)), out.subarray(at)); break;
      case 4: out = joined(out.subarray(0, at), out.subarray(at + 1 + r.below(20))); break;
      default: out = joined(out.subarray(0, at), b.subarray(r.below(b.length + 1)));
    }
  }
  return out.length === 0 ? r.bytes(20) : out.subarray(0, INPUT_MAX);
}

function failureOf(target: Target, input: Uint8Array): string | undefined {
  try {
    target.run(input);
    return undefined;
  } catch (e) {
    if (e instanceof Broken || e instanceof WebAssembly.RuntimeError) return `${e.constructor.name}: ${e.message}`;
    throw e;
  }
}

/** The shortest input that fails the same way, by leaving bytes out. */
function shortened(target: Target, input: Uint8Array, what: string): Uint8Array {
  for (let size = input.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= input.length;) {
      const without = joined(input.subarray(0, at), input.subarray(at + size));
      if (failureOf(target, without) === what) input = without;
      else at += size;
    }
  }
  return input;
}

export function fuzz(frames: number, seed: number, onProgress: (r: FuzzResult) => void = () => {}): FuzzResult {
  const built = instrumented(), target = new Target(built), r = new Random(seed);
  const seen = new Uint8Array(target.notes.length), seen64 = new BigUint64Array(seen.buffer);
  const notes64 = new BigUint64Array(target.notes.buffer, target.notes.byteOffset, target.notes.length / 8);
  const corpus: Uint8Array[] = target.scenes.map((_, i) => Uint8Array.of(i, ...r.bytes(400)));
  let covered = 0, runs = 0, next = 1;
  const began = performance.now(), first = target.frames;
  const result = (): FuzzResult => ({
    frames: target.frames - first, runs, corpus: corpus.length, covered, ways: built.notes, fuelMax: target.fuelMax, seconds: (performance.now() - began) / 1000,
  });
  while (target.frames - first < frames) {
    const input = mutated(r, corpus[r.below(corpus.length)]!, corpus[r.below(corpus.length)]!);
    const what = failureOf(target, input);
    runs++;
    if (what !== undefined) return { ...result(), failure: { input: shortened(target, input, what), what } };
    let news = false;
    for (let i = 0; i < notes64.length; i++) {
      if ((notes64[i]! | seen64[i]!) === seen64[i]!) continue;
      for (let j = 8 * i; j < 8 * i + 8; j++) if (target.notes[j] !== 0 && seen[j] === 0) seen[j] = 1, covered++, (news = true);
    }
    if (news) corpus.push(input);
    if ((runs & 1023) === 0 && performance.now() - began > next * 10_000) next++, onProgress(result());
  }
  return result();
}

function say(r: FuzzResult): string {
  return `${r.frames} frames in ${r.seconds.toFixed(1)} s (${Math.round(r.frames / r.seconds)} a second), ${r.runs} inputs, ${r.corpus} kept, ` +
    `${r.covered} of ${r.ways} ways (${((100 * r.covered) / r.ways).toFixed(1)} %), at most ${r.fuelMax} turns of loops in a poll`;
}

function main(): void {
  const value = (name: string, fallback: string): string => {
    const i = process.argv.indexOf(name);
    return i > 0 ? process.argv[i + 1] ?? fallback : fallback;
  };
  const replay = value("--replay", "");
  if (replay !== "") {
    const what = failureOf(new Target(instrumented()), Uint8Array.from(Buffer.from(replay, "hex")));
    console.log(what ?? "nothing happens");
    process.exitCode = what === undefined ? 0 : 1;
    return;
  }
  const frames = Number(value("--frames", "1000000")), seed = Number(value("--seed", "1"));
  if (!Number.isInteger(frames) || frames < 1 || !Number.isInteger(seed)) {
    console.error("fuzz: --frames and --seed take whole numbers");
    process.exitCode = 2;
    return;
  }
  const r = fuzz(frames, seed, (p) => console.log(`  ${say(p)}`));
  console.log(say(r));
  if (r.failure) {
    console.error(`${r.failure.what}\nreplay it with: npm run fuzz -- --replay ${Buffer.from(r.failure.input).toString("hex")}`);
    process.exitCode = 1;
  }
}

if (process.argv[1]?.endsWith("fuzz/run.ts")) main();
