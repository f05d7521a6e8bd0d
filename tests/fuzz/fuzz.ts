/**
 * The fuzzer: it keeps inputs that made a condition go a way that it had not gone before, and mutates them.
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

export function failureOf(target: Target, input: Uint8Array): string | undefined {
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
export interface Exchange {
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
