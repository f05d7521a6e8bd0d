/** What is to be reached, as ratios to a peer in the same run, and below what a short run fails. */
import type { Row } from "./measure.js";

interface Aim {
  work: string;
  subject: string;
  params: Record<string, number>;
  against: string;
  least: number;
  /** `least` is the most: a cost. */
  cost?: true;
  /**
   * The short run fails below (a cost: above) this; less than what is measured, as it is short and machines are noisy.
   */
  guard?: number;
  /** Why it is not met, where it is not (docs/design/speed.md has more). */
  because?: string;
}

const AIMS: Aim[] = [
  {
    work: "bulk", subject: "stint-v8-simd", params: { ack_every: 2 }, against: "smoltcp-native", least: 1.1, guard: 0.9,
  },
  { work: "bulk", subject: "stint-v8-simd", params: { ack_every: 2 }, against: "lwip-debian", least: 2.8, guard: 2.3 },
  { work: "bulk", subject: "stint-native", params: { ack_every: 2 }, against: "lwip-native", least: 1.1, guard: 0.7 },
  {
    work: "bulk", subject: "stint-native", params: { ack_every: 2 }, against: "smoltcp-native", least: 1.2, guard: 1.2,
  },
  {
    work: "connections",
    subject: "stint-v8-simd",
    params: { parallel: 32 },
    against: "lwip-debian",
    least: 1.5,
    guard: 0.9,
    because: "instructions (docs/design/speed.md)",
  },
  {
    work: "connections",
    subject: "stint-native",
    params: { parallel: 32 },
    against: "lwip-native",
    least: 1,
    guard: 0.4,
    because:
      "a half-open record, keyed hashes for what the network must not guess, a TIME-WAIT record: lwIP has none of them",
  },
  {
    work: "connections", subject: "stint-native", params: { connections: 32, parallel: 1 }, against: "smoltcp-native",
    least: 4, guard: 2.8,
  },
  {
    work: "connections", subject: "stint-v8-simd", params: { connections: 100_000, parallel: 1 },
    against: "10 connections", least: 0.8,
  },
  {
    work: "round-trips",
    subject: "stint-native",
    params: { connections: 1 },
    against: "smoltcp-native",
    least: 1,
    guard: 0.4,
    because:
      "a byte passes a scoreboard with times, a round-trip sample, an event queue and checked handles",
  },
  {
    work: "round-trips", subject: "stint-native", params: { connections: 1 }, against: "lwip-native", least: 1,
    guard: 0.25, because: "the same",
  },
  {
    work: "round-trips", subject: "stint-v8-simd", params: { connections: 1000 }, against: "smoltcp-native", least: 50,
    guard: 35,
  },
  {
    work: "packet-cost", subject: "stint-v8-simd", params: { connections: 100_000 }, against: "10 connections",
    least: 1.5, cost: true,
    because: "caches: 100,000 TCBs and rings are larger than any; the instructions are the same",
  },
  ...["bulk", "round-trips"].flatMap((work) => ["stint-v8-simd", "stint-native"].map((subject): Aim => ({
    work, subject, params: { family: 6 }, against: "IPv4", least: 1.1, cost: true,
    because: "IPv6 has no header prediction: text is summed and copied apart, and addresses are looked up",
  }))),
  { work: "fairness", subject: "stint-v8-simd", params: {}, against: "an equal share", least: 0.85, guard: 0.8 },
];

export interface Verdict { work: string; text: string; met: boolean; guarded: boolean }

/** Compares the rows of a run with the aims that they are about. */
export function verdicts(rows: Row[]): Verdict[] {
  return AIMS.flatMap((aim) => {
    const row = rows.find(
      (r) =>
        r.work === aim.work
        && r.subject === aim.subject
        && Object.entries(aim.params).every(([k, v]) => r.params[k] === v),
    );
    const ratio = row?.ratios[aim.against];
    if (ratio === undefined) return [];
    const met = aim.cost ? ratio <= aim.least : ratio >= aim.least;
    const guarded = aim.guard === undefined || (aim.cost ? ratio <= aim.guard : ratio >= aim.guard);
    const params = Object.entries(aim.params).map(([k, v]) => `${k} ${v}`).join(", ");
    return [
      {
        text: `${met ? "met    " : "not met"}  ${aim.work}, ${params}: ${aim.subject} ${ratio.toFixed(2)} × `
          + `${aim.against} (aim `
          + `${aim.cost ? "at most " : ""}${aim.least})${met || !aim.because ? "" : `: ${aim.because}`}`,
        work: aim.work, met, guarded,
      },
    ];
  });
}
