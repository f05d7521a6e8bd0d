/** Fuzzers in threads, which tell each other what they keep. */
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { workerOf } from "../harness/worker.js";
import { fuzz, type Exchange, type FuzzResult } from "./fuzz.js";

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
  const sum = (of: (r: FuzzResult) => number): number => list.reduce((n, r) => n + of(r), 0);
  const most = (of: (r: FuzzResult) => number): number => Math.max(...list.map(of));
  return {
    frames: sum((r) => r.frames),
    runs: sum((r) => r.runs),
    corpus: sum((r) => r.corpus),
    covered: most((r) => r.covered),
    ways: list[0]!.ways,
    fuelMax: most((r) => r.fuelMax),
    seconds: most((r) => r.seconds),
    still: list[0]!.still.filter((name) => list.every((r) => r.still.includes(name))),
  };
}

/** Runs the workers. Resolves when all are done, or one has found something. */
export function inParallel(
  frames: number, seed: number, workers: number, onProgress: (r: FuzzResult) => void,
): Promise<FuzzResult> {
  const shared = new SharedArrayBuffer(SHARED.bytes), last = new Map<number, FuzzResult>();
  return new Promise((resolve, reject) => {
    let done = 0;
    const threads = Array.from({ length: workers }, (_, me) => {
      const worker = workerOf(import.meta.url, {
        fuzz: { frames: Math.ceil(frames / workers), seed: seed + me * 1_000_003, me, workers, shared },
      });
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

const mine = (
  workerData as {
    fuzz?: { frames: number; seed: number; me: number; workers: number; shared: SharedArrayBuffer };
  } | null
)?.fuzz;
if (!isMainThread && mine) {
  const say = (result: FuzzResult, { end = false } = {}): void => parentPort!.postMessage({ result, end });
  say(fuzz(mine.frames, mine.seed, say, new Pool(mine.shared, mine.me, mine.workers)), { end: true });
}
