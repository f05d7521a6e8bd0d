/** `npm run bench -- packet-cost scale`: what a packet costs among few and many connections, and how many fit. */
import { Random } from "../../host/random.js";
import { Crowd } from "./crowd.js";
import { interleaved, ratio, type Row } from "./measure.js";

/** Packets in a poll, each of another connection: as many as fit among ten. */
const BATCH = 8;

export function benchPacketCost(quick: boolean): Row[] {
  const sizes = quick ? [10, 100_000] : [10, 1000, 10_000, 100_000], random = new Random(1);
  const crowds = new Map(sizes.map((n) => [n, new Crowd(n, { sendRing: 64, recvRing: 512 })]));
  const batches = quick ? 500 : 2000;
  const different = (n: number): number[] => {
    const set = new Set<number>();
    while (set.size < BATCH) set.add(random.below(n));
    return [...set];
  };
  const turn = (n: number) => (): number =>
    crowds.get(n)!.packetNs(Array.from({ length: batches }, () => different(n)));
  const cost = interleaved(Object.fromEntries(sizes.map((n) => [n, turn(n)])), quick ? 5 : 11);
  const least = cost[sizes[0]!]!;
  return sizes.map((n) => ({
    work: "packet-cost", subject: "stint-v8-simd", params: { connections: n }, ...cost[n]!, unit: "ns",
    ratios: n === sizes[0] ? {} : { "10 connections": ratio(cost[n]!, least) },
  }));
}

export function benchScale(quick: boolean): Row[] {
  return (quick ? [100_000] : [100_000, 1_000_000]).map((n) => {
    const crowd = new Crowd(n, { sendRing: 64, recvRing: 64 }), arena = crowd.stack.arenaBytes;
    const some = Array.from({ length: 1000 }, (_, i) => Math.floor((i * n) / 1000));
    const right = crowd.echo(some, (i) => Uint8Array.of(i & 255, (i >> 8) & 255, (i >> 16) & 255));
    if (right !== 1000) throw new Error(`${right} of 1000 got their own bytes back`);
    return {
      work: "scale", subject: "stint-v8-simd", params: { connections: n, rings: "64 + 64" }, median: arena / n,
      unit: "B each", spread: 0, ratios: { "4 GiB": arena / 2 ** 32 },
    };
  });
}
