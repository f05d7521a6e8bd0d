/**
 * Configurations as inputs: drawn from the whole space of assembly/config.ts (least, greatest, odd, random), and a
 * memory that is exactly as large as the module asked for, with bytes on both sides that nobody may touch.
 */
import { createHash } from "node:crypto";
import { CONFIG_FIELDS, POLICY, type ConfigField, type PolicyName, type StackOptions } from "../../host/config.js";
import { Random } from "../../host/random.js";
import { StackModule } from "../../host/stack.js";

type Draw = (r: Random) => number;
const of = (...list: number[]): Draw => (r) => list[r.below(list.length)]!;
const within =
  (least: number, most: number, unit = 1): Draw =>
  (r) =>
    (Math.floor(least / unit) + r.below(Math.floor((most - least) / unit) + 1)) * unit;
const power = (least: number, most: number): Draw => (r) => 2 ** (least + r.below(most - least + 1));
/** Mostly the first, else one of the others. */
const or = (...list: Draw[]): Draw => (r) => list[r.chance(0.4) ? 0 : r.below(list.length)]!(r);

/**
 * Sizes and limits. What no network could tell from another value (the pace of time) is drawn from what keeps a test
 * short.
 */
const SPACE: Partial<Record<ConfigField, Draw>> = {
  mtu: or(of(1500), within(128, 1499), of(128, 129, 131, 576, 1280), within(1501, 9000), of(65535)),
  connsMax: or(of(4), of(1), within(2, 9)),
  halfOpenMax: or(of(3), of(1), within(2, 17)),
  timeWaitMax: or(of(2), of(1), within(2, 9)),
  listenersMax: or(of(2), of(1), within(2, 5)),
  sendRing: or(of(4096), of(64, 68), within(64, 1460, 4), within(64, 40_000, 4)),
  recvRing: or(of(4096), of(64, 68), within(64, 1460, 4), within(64, 40_000, 4), of(65532, 65536, 131072)),
  rangesMax: or(of(12), of(0, 1, 2), within(3, 200)),
  sendersMax: or(of(4), of(0, 1), within(2, 9)),
  rxSlots: or(of(4), of(1), power(0, 5)),
  txSlots: or(of(4), of(1), power(0, 5)),
  loopSlots: or(of(2), of(0), power(1, 3)),
  reassemblyMax: or(of(2), of(0, 1), within(2, 4)),
  reassemblyBytes: or(of(2048), of(0, 8, 16), within(0, 4000, 8), of(65504, 65512, 65520)),
  neighboursMax: or(of(4), power(2, 5)),
  udpMax: or(of(2), of(0, 1), within(2, 4)),
  udpRing: or(of(1024), of(64, 68), within(64, 9000, 4)),
  prefixBuckets: or(of(4), of(0, 1), power(0, 5)),
  fastOpenCookies: or(of(4), of(0, 1), within(2, 9)),
  appBytes: or(of(0), within(0, 100)),
  cookies: of(0, 1, 1, 2),
  windowScale: or(of(255), within(0, 14)),
  mss: or(of(0), of(1, 28, 48, 536, 1460), within(1, 9000)),
  initialWindow: or(of(10), of(1, 127), within(1, 20)),
  rtoInitialMs: or(of(1000), of(1, 65535)),
  rtoMinMs: or(of(200), of(1, 65535)),
  delayedAckMs: or(of(40), of(0, 1, 499)),
  timeWaitMs: or(of(2000), of(1, 60_000)),
  finWait2Ms: or(of(60_000), of(0, 1)),
  synAckRetries: or(of(5), of(0, 1, 15)),
  halfOpenMs: or(of(63_000), of(1, 4_000_000)),
  challengeMax: or(of(10), of(0, 1, 255)),
  icmpRate: or(of(100), of(0, 1)),
  neighbourMs: or(of(60_000), of(1, 100)),
  keepIdleS: or(of(5), of(1)),
  keepIntervalS: or(of(1), of(65535)),
  keepProbes: or(of(2), of(255)),
  ttl: or(of(64), of(1, 255)),
  pathMtuMin: or(of(552), of(68), within(68, 1500)),
  synRate: or(of(0), of(1, 1000)),
  prefixRate: or(of(0), of(1, 1000)),
  cookieRate: or(of(1000), of(0, 1)),
  fastOpenMax: or(of(16), of(0, 1)),
  firstByteMs: or(of(0), of(30_000, 1)),
};

/** Policies that a stack may have whatever else it has. A group needs a key. */
const POLICIES = (Object.keys(POLICY) as PolicyName[]).filter((p) => p !== "group");

/** One point of the space; it may be one that the module refuses. */
export function drawConfig(r: Random): Partial<StackOptions> {
  const out: Record<string, unknown> = {};
  for (const field of CONFIG_FIELDS) {
    const draw = SPACE[field];
    if (draw !== undefined && r.chance(0.7)) out[field] = draw(r);
  }
  out["ip"] = `10.0.0.1/${r.chance(0.6) ? 24 : r.below(33)}`;
  if (r.chance(0.2)) out["gateway"] = undefined;
  const likely = r.chance(0.5) ? 0.9 : 0.5;
  out["policy"] = Object.fromEntries(
    POLICIES.map((p) => [
      p,
      ["timestamps", "sack", "windowScaling", "rack", "tlp", "prr", "undo", "cubic"].includes(p)
        ? r.chance(likely)
        : r.chance(0.3),
    ]),
  );
  return out;
}

/**
 * Sizes that a peer cannot tell from another: tables that are larger than a test's, odd, and of another length than
 * their neighbours.
 */
const UNSEEN: Partial<Record<ConfigField, Draw>> = {
  connsMax: within(8, 23), halfOpenMax: within(8, 40), timeWaitMax: within(8, 31), listenersMax: within(8, 19),
  rangesMax: within(4096, 4400), sendersMax: within(8, 23), rxSlots: power(5, 8), txSlots: power(5, 8),
  loopSlots: power(4, 6), reassemblyMax: within(4, 9), neighboursMax: power(4, 7), udpMax: within(16, 27),
  fastOpenCookies: within(8, 21), appBytes: within(0, 100),
};

/**
 * `options`, and what they leave open drawn from a seed, the same for the same options, in a memory that is exactly as
 * large as it takes; one that lays its arena out itself does without the last.
 */
export function unseen(module: WebAssembly.Module, options: StackOptions, seed: number): StackOptions {
  const { arenaBase, arenaSize, ...asked } = options, out: Record<string, unknown> = {};
  const r = new Random(createHash("sha256").update(`${seed} ${JSON.stringify(asked)}`).digest().readUInt32LE());
  for (const field of CONFIG_FIELDS) {
    const draw = UNSEEN[field];
    if (draw !== undefined && r.chance(0.7)) out[field] = draw(r);
  }
  if (arenaBase !== undefined || arenaSize !== undefined) return { ...out, ...options };
  // The host has buffers of its own behind the arena.
  const { memoryBytes: _, ...exact } = exactly(module, { ...out, ...options });
  return exact;
}

// Memory as large as asked

/** Where an arena begins here: behind the module's data, and not at a page's edge. */
export const ARENA_AT = 0x2008;
/** Bytes on each side of it that must stay as they are. */
export const GUARD = 4096;
const PATTERN = 0xa5;

/** What `options` ask for, at ARENA_AT, and not a byte more. Throws what the module throws. */
export function exactly(module: WebAssembly.Module, options: StackOptions): StackOptions {
  const size = new StackModule(module, { ...options, arenaBase: 0, arenaSize: 0, memoryBytes: 0 }).arenaBytes;
  return { ...options, arenaBase: ARENA_AT, arenaSize: size, memoryBytes: ARENA_AT + size };
}

/** The bytes on both sides of an arena, as far as there is memory. */
export class Guards {
  #sides!: Uint32Array[];
  #edge!: Uint8Array;
  /** Where the memory ended at first: what is behind that the host took for itself. */
  readonly #top: number;

  constructor(memory: Uint8Array, readonly size: number) {
    this.#top = memory.length;
    this.look(memory);
    this.mend();
  }

  /** Looks at them in a memory that grew. */
  look(memory: Uint8Array): void {
    const end = ARENA_AT + this.size, whole = (end + 3) & ~3;
    this.#edge = memory.subarray(end, whole);
    this.#sides = [ARENA_AT - GUARD, whole].map(
      (at) => new Uint32Array(memory.buffer, at, Math.min(GUARD, this.#top - at) >> 2),
    );
  }

  mend(): void {
    this.#edge.fill(PATTERN);
    for (const side of this.#sides) side.fill(PATTERN * 0x01010101);
  }

  /** Where something was written, in words; undefined: nowhere. */
  broken(): string | undefined {
    for (const b of this.#edge) if (b !== PATTERN) return "right behind the arena";
    for (const [i, side] of this.#sides.entries()) {
      for (let j = 0; j < side.length; j++)
        if (side[j] !== PATTERN * 0x01010101)
          return i === 0 ? `${GUARD - 4 * j} bytes before the arena` : `${4 * j} bytes behind the arena`;
    }
    return undefined;
  }
}
