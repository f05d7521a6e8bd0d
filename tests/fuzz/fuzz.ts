/**
 * The fuzzer: it keeps inputs that made a condition go a way that it had not gone before, and mutates them.
 */
import { COUNTERS, type Counter } from "../../host/counters.js";
import { Random } from "../../host/random.js";
import type { Ledger } from "./bites.js";
import { instrumented } from "./instrument.js";
import { Restless } from "../../host/rest.js";
import { Broken } from "./holds.js";
import { Target } from "./target.js";

export interface FuzzResult {
  frames: number;
  runs: number;
  corpus: number;
  /** Ways that conditions went, of all that there are. */
  covered: number;
  ways: number;
  fuelMax: number;
  seconds: number;
  /** Counters that no input has moved yet. */
  still: Counter[];
  failure?: { input: Uint8Array; what: string; config: number };
}

const INPUT_MAX = 1000;
/** So many inputs go to a stack of one configuration; every second one has the fixed one. */
const TURN = 1024;

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
  return failureIn(() => target.run(input));
}

/** What goes wrong in it: undefined, or words. */
export function failureIn(what: () => void): string | undefined {
  try {
    what();
    return undefined;
  } catch (e) {
    const isFault = e instanceof Broken || e instanceof Restless || e instanceof WebAssembly.RuntimeError;
    if (isFault) return `${e.constructor.name}: ${e.message}`;
    throw e;
  }
}

/** The command that replays a failure. */
export function replayOf({ input, config }: { input: Uint8Array; config: number }): string {
  return `npm run fuzz -- --config ${config} --replay ${Buffer.from(input).toString("hex")}`;
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

/** `ledger`: what is told of each frame; it costs time. */
export function fuzz(
  frames: number, seed: number, onProgress: (r: FuzzResult) => void = () => {}, exchange = ALONE, ledger?: Ledger,
): FuzzResult {
  const built = instrumented(), fixed = new Target(built), r = new Random(seed);
  const seen = new Uint8Array(fixed.notes.length);
  const seen32 = new Int32Array(seen.buffer);
  const moved = new Uint8Array(COUNTERS.length);
  const corpus: Uint8Array[] = fixed.scenes.map((_, i) => Uint8Array.of(i, ...r.bytes(400)));
  let covered = 0, runs = 0, next = 1, fuelMax = 0, had = 0, target = fixed, first = fixed.frames;
  let notes32 = words(fixed.notes);
  const began = performance.now();
  fixed.ledger = ledger;
  const result = (): FuzzResult => ({
    frames: had + target.frames - first,
    runs,
    corpus: corpus.length,
    covered,
    ways: built.notes,
    fuelMax: Math.max(fuelMax, target.fuelMax),
    seconds: (performance.now() - began) / 1000,
    still: COUNTERS.filter((_, i) => moved[i] === 0),
  });
  /** Another configuration has its turn. */
  const change = (): FuzzResult["failure"] => {
    had += target.frames - first;
    fuelMax = Math.max(fuelMax, target.fuelMax);
    const config = target === fixed ? 1 + r.below(0x7fffffff) : 0;
    const what = failureIn(() => (target = config === 0 ? fixed : new Target(built, config)));
    target.ledger = ledger;
    notes32 = words(target.notes);
    first = target.frames;
    return what === undefined ? undefined : { input: new Uint8Array(0), what, config };
  };
  let foreign: Uint8Array[] = [];
  while (had + target.frames - first < frames) {
    const input = foreign.pop() ?? mutated(r, corpus[r.below(corpus.length)]!, corpus[r.below(corpus.length)]!);
    const what = failureOf(target, input);
    runs++;
    if (what !== undefined)
      return { ...result(), failure: { input: shortened(target, input, what), what, config: target.config } };
    let news = false;
    for (let i = 0; i < notes32.length; i++) {
      if ((notes32[i]! & ~seen32[i]!) === 0) continue;
      for (let j = 4 * i; j < 4 * i + 4; j++) {
        if (target.notes[j] === 0 || seen[j] !== 0) continue;
        seen[j] = 1;
        covered++;
        news = true;
      }
    }
    for (let i = 0; i < moved.length; i++) {
      if (target.moved[i]! <= moved[i]!) continue;
      moved[i] = 1;
      news = true;
    }
    if (news) {
      corpus.push(input);
      exchange.kept(input);
    }
    if (runs % TURN !== 0) continue;
    foreign = exchange.others();
    if (performance.now() - began > next * 10_000) {
      next++;
      onProgress(result());
    }
    const failure = change();
    if (failure) return { ...result(), failure };
  }
  return result();
}

function words(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}
