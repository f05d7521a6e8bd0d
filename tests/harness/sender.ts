/** A sender with modern loss recovery against a scripted receiver that counts in segments. */
import { opt } from "./codec.js";
import { Bench, MSS, type BenchOptions } from "./bench.js";

export const MODERN = {
  sack: true, rack: true, tlp: true, prr: true, undo: true, cubic: true, hystart: false,
} as const;
export const RTT = 100;

/** A connection whose round trip of 100 ms is known, with nothing in flight and an initial window of ten segments. */
export function open(options: BenchOptions = {}, policy: BenchOptions["policy"] = {}): Bench {
  const b = new Bench({ sendRing: 256 * MSS, ...options, policy: { ...MODERN, ...policy } }).accepted(
    { opts: [...opt.mss(1460), ...opt.sackOk(), ...(policy.timestamps ? opt.ts(1, 0) : [])], win: 65535 },
    policy.timestamps ? { opts: opt.ts(1, 0) } : {}, RTT,
  );
  b.write(MSS);
  b.advance(RTT);
  return acks(b, 1).clear();
}

/** Acknowledges up to segment `n`, counted from 0, with SACK blocks in segments. */
export function acks(b: Bench, n: number, ...list: [number, number][]): Bench {
  b.send({
    flags: "A",
    seq: 1,
    ack: 1 + n * MSS,
    win: 65535,
    opts:
      list.length === 0
        ? []
        : opt.sack(...list.map(([x, y]) => [x, y].map((k) => (b.stackIsn + 1 + k * MSS) >>> 0) as [number, number])),
  });
  return b;
}

/** The segments that came, counted from 0. */
export function sent(b: Bench): number[] {
  const list = b.out
    .filter((s) => s.kind === "tcp" && s.data.length > 0)
    .map((s) => ((s.seq - b.stackIsn - 1) >>> 0) / MSS);
  b.clear();
  return list;
}

/** The number of the first segment that is not acknowledged, and of the next one to be sent. */
export function una(b: Bench): number {
  return Math.floor(((b.info.sndUna - b.stackIsn - 1) >>> 0) / MSS);
}

export function nxt(b: Bench): number {
  return Math.floor(((b.info.sndNxt - b.stackIsn - 1) >>> 0) / MSS);
}

/** Writes `n` segments and lets a round trip pass, without a look at what is sent. */
export function flight(b: Bench, n: number): Bench {
  b.write(n * MSS);
  b.clear();
  b.advance(RTT);
  return b;
}
