/**
 * `npm run fuzz [-- --frames N] [--seed S] [--workers N] [--replay HEX]`: a coverage-guided fuzzer over frames and calls. It keeps inputs that
 * made a condition go a way that it had not gone before, and mutates them. Workers, one a processor, begin with seeds of their own and tell each
 * other what they keep. A failure prints the command that replays it, shortened.
 */
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { Random } from "../../host/random.js";
import { workerOf } from "../harness/worker.js";
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

/** What a worker and the others tell each other. */
interface Exchange {
  /** Called for every input that is kept. */
  kept(input: Uint8Array): void;
  /** The inputs that others have kept since it was last asked. */
  others(): Uint8Array[];
}

const ALONE: Exchange = { kept: () => {}, others: () => [] };

export function fuzz(frames: number, seed: number, onProgress: (r: FuzzResult) => void = () => {}, exchange = ALONE): FuzzResult {
  const built = instrumented(), target = new Target(built), r = new Random(seed);
  const seen = new Uint8Array(target.notes.length), seen32 = new Int32Array(seen.buffer);
  const notes32 = new Int32Array(target.notes.buffer, target.notes.byteOffset, target.notes.length / 4);
  const corpus: Uint8Array[] = target.scenes.map((_, i) => Uint8Array.of(i, ...r.bytes(400)));
  let covered = 0, runs = 0, next = 1;
  const began = performance.now(), first = target.frames;
  const result = (): FuzzResult => ({
    frames: target.frames - first, runs, corpus: corpus.length, covered, ways: built.notes, fuelMax: target.fuelMax, seconds: (performance.now() - began) / 1000,
  });
  let foreign: Uint8Array[] = [];
  while (target.frames - first < frames) {
    const input = foreign.pop() ?? mutated(r, corpus[r.below(corpus.length)]!, corpus[r.below(corpus.length)]!);
    const what = failureOf(target, input);
    runs++;
    if (what !== undefined) return { ...result(), failure: { input: shortened(target, input, what), what } };
    let news = false;
    for (let i = 0; i < notes32.length; i++) {
      if ((notes32[i]! & ~seen32[i]!) === 0) continue;
      for (let j = 4 * i; j < 4 * i + 4; j++) if (target.notes[j] !== 0 && seen[j] === 0) seen[j] = 1, covered++, (news = true);
    }
    if (news) {
      corpus.push(input);
      exchange.kept(input);
    }
    if ((runs & 1023) !== 0) continue;
    foreign = exchange.others();
    if (performance.now() - began > next * 10_000) next++, onProgress(result());
  }
  return result();
}

function say(r: FuzzResult): string {
  return `${r.frames} frames in ${r.seconds.toFixed(1)} s (${Math.round(r.frames / r.seconds)} a second), ${r.runs} inputs, ${r.corpus} kept, ` +
    `${r.covered} of ${r.ways} ways (${((100 * r.covered) / r.ways).toFixed(1)} %), at most ${r.fuelMax} turns of loops in a poll`;
}

/** What the workers have in common: how many inputs each has kept; then those inputs, each behind its length. */
const SHARED = { bytes: 16 << 20, begin: 64 };

/** Inputs in memory that all workers share, each in its own part. */
class Pool implements Exchange {
  #counts: Int32Array;
  #bytes: Uint8Array;
  #size: number;
  #read: number[];

  constructor(buffer: SharedArrayBuffer, readonly me: number, readonly workers: number) {
    this.#counts = new Int32Array(buffer, 0, SHARED.begin / 4);
    this.#bytes = new Uint8Array(buffer, SHARED.begin);
    this.#size = Math.floor(this.#bytes.length / workers);
    this.#read = new Array<number>(workers).fill(0);
  }

  kept(input: Uint8Array): void {
    const at = Atomics.load(this.#counts, this.me);
    if (at + 2 + input.length > this.#size) return;
    const base = this.me * this.#size + at;
    this.#bytes[base] = input.length >> 8;
    this.#bytes[base + 1] = input.length & 255;
    this.#bytes.set(input, base + 2);
    Atomics.store(this.#counts, this.me, at + 2 + input.length);
  }

  others(): Uint8Array[] {
    const out: Uint8Array[] = [];
    for (let w = 0; w < this.workers; w++) {
      const end = Atomics.load(this.#counts, w);
      for (let at = this.#read[w]!; at < end && w !== this.me;) {
        const base = w * this.#size + at, size = this.#bytes[base]! << 8 | this.#bytes[base + 1]!;
        out.push(this.#bytes.slice(base + 2, base + 2 + size));
        at += 2 + size;
      }
      this.#read[w] = end;
    }
    return out;
  }
}

/** The workers' results as one. */
function together(list: FuzzResult[]): FuzzResult {
  const sum = (of: (r: FuzzResult) => number): number => list.reduce((n, r) => n + of(r), 0), most = (of: (r: FuzzResult) => number): number => Math.max(...list.map(of));
  return { frames: sum((r) => r.frames), runs: sum((r) => r.runs), corpus: sum((r) => r.corpus), covered: most((r) => r.covered), ways: list[0]!.ways, fuelMax: most((r) => r.fuelMax), seconds: most((r) => r.seconds) };
}

/** Runs the workers. Resolves when all are done, or one has found something. */
function inParallel(frames: number, seed: number, workers: number, onProgress: (r: FuzzResult) => void): Promise<FuzzResult> {
  const shared = new SharedArrayBuffer(SHARED.bytes), last = new Map<number, FuzzResult>();
  return new Promise((resolve, reject) => {
    let done = 0;
    const threads = Array.from({ length: workers }, (_, me) => {
      const worker = workerOf(import.meta.url, { fuzz: { frames: Math.ceil(frames / workers), seed: seed + me * 1_000_003, me, workers, shared } });
      worker.on("error", reject);
      worker.on("message", ({ result, end }: { result: FuzzResult; end: boolean }) => {
        last.set(me, result);
        const all = together([...last.values()]);
        if (result.failure || (end && ++done === workers)) {
          for (const t of threads) void t.terminate();
          resolve({ ...all, ...(result.failure ? { failure: result.failure } : {}) });
        } else if (me === 0 && !end) onProgress(all);
      });
      return worker;
    });
  });
}

async function main(): Promise<void> {
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
  const frames = Number(value("--frames", "1000000")), seed = Number(value("--seed", "1")), workers = Number(value("--workers", String(Math.min(16, availableParallelism()))));
  if (!Number.isInteger(frames) || frames < 1 || !Number.isInteger(seed) || !Number.isInteger(workers) || workers < 1 || workers > 16) {
    console.error("fuzz: --frames and --seed take whole numbers, --workers one from 1 to 16");
    process.exitCode = 2;
    return;
  }
  const progress = (p: FuzzResult): void => console.log(`  ${say(p)}`);
  const r = workers === 1 ? fuzz(frames, seed, progress) : await inParallel(frames, seed, workers, progress);
  console.log(say(r));
  if (r.failure) {
    console.error(`${r.failure.what}\nreplay it with: npm run fuzz -- --replay ${Buffer.from(r.failure.input).toString("hex")}`);
    process.exitCode = 1;
  }
}

const mine = (workerData as { fuzz?: { frames: number; seed: number; me: number; workers: number; shared: SharedArrayBuffer } } | null)?.fuzz;
if (!isMainThread && mine) {
  const say = (result: FuzzResult, end: boolean): void => parentPort!.postMessage({ result, end });
  say(fuzz(mine.frames, mine.seed, (r) => say(r, false), new Pool(mine.shared, mine.me, mine.workers)), true);
} else if (process.argv[1]?.endsWith("fuzz/run.ts")) {
  await main();
}
