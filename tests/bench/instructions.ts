/**
 * `npm run bench -- instructions [--write]`: instructions for one of each work, natively, both ends and the link
 * together, as callgrind counts them. They do not depend on what else the machine does. Stint's are guarded by
 * instructions.json: another compiler moves them by a few percent, and more than GROWTH_MAX is a mistake, or a decision
 * (--write).
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { findProgram } from "../../host/programs.js";
import { ran } from "../harness/programs.js";
import type { Row } from "./measure.js";
import { everybody } from "./peers.js";
import type { Subject } from "./subjects.js";

const FILE = "tests/bench/instructions.json", GROWTH_MAX = 1.05, GUARDED = "stint-native", LINE = 64;
/** Caches like a small server's: what misses must not depend on the machine. */
const CACHES = [`--I1=32768,8,${LINE}`, `--D1=32768,8,${LINE}`, `--LL=2097152,16,${LINE}`, "--cache-sim=yes"];

export interface Counted {
  name: string;
  driver: string;
  /** How many of them are counted, after how many calls of the driver's `work`. */
  units: number;
  count: number;
  params: Record<string, number>;
}

const WORKS: Counted[] = [
  { name: "a segment, an ACK for 2", driver: "bulk", units: (1 << 22) / 1460, count: 1, params: {} },
  { name: "a byte there and back", driver: "round-trips", units: 2000, count: 2000, params: { ring: 2048 } },
  {
    name: "a segment over IPv6, an ACK for 2", driver: "bulk", units: (1 << 22) / 1440, count: 1, params: { family: 6 },
  },
  {
    name: "a byte there and back over IPv6", driver: "round-trips", units: 2000, count: 2000,
    params: { ring: 2048, family: 6 },
  },
  {
    name: "64 bytes there, 1,024 back, 32 connections", driver: "messages", units: 960, count: 960,
    params: { others: 31, ring: 8192, request: 64, answer: 1024 },
  },
  {
    name: "a connection, 32 others", driver: "connections", units: 400, count: 400, params: { others: 32, ring: 2048 },
  },
  {
    name: "a connection, 32 at a time", driver: "connections", units: 640, count: 20,
    params: { parallel: 32, ring: 2048 },
  },
  {
    name: "a connection that answers 1,024 bytes", driver: "accept-close", units: 300, count: 300,
    params: { others: 32, ring: 8192, request: 64, answer: 1024 },
  },
  { name: "2 polls with nothing due", driver: "idle", units: 2000, count: 2000, params: { others: 32, ring: 2048 } },
];
const SUBJECTS = [GUARDED, "lwip-native", "smoltcp-native"];

/** Instructions, and with `caches` also what missed the first and the last one. */
export function counted(
  subject: Subject, { driver, count, units, params }: Counted, { caches }: { caches: boolean },
): number[] {
  const out = `build/bench/callgrind.${process.pid}`;
  const r = ran("valgrind", [
    "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=work*", `--callgrind-out-file=${out}`,
    ...(caches ? CACHES : []), ...subject.command, driver, "0",
    ...Object.entries({ ...params, count }).flatMap(([k, v]) => [k, String(v)]),
  ]);
  rmSync(out, { force: true });
  const said = /Collected : ([\d ]+)/.exec(r.stderr)?.[1]?.split(" ").map(Number);
  if (r.status !== 0 || said === undefined || !(said[0]! > 0))
    throw new Error(`${subject.name}, ${driver}: ${r.stderr.trim().split("\n").slice(-3).join(" ")}`);
  // Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
  const sum = (...at: number[]): number => at.reduce((a, i) => a + (said[i] ?? 0), 0) / units;
  return [said[0]! / units, sum(3, 4, 5), sum(6, 7, 8)];
}

let write = false;

/** The counts become the committed ones. */
export function writeInstructions(): void {
  write = true;
}

export function benchInstructions(quick: boolean): Row[] {
  if (findProgram("valgrind") === undefined) throw new Error("valgrind missing; apt-get install valgrind");
  const table = existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) as Record<string, number> : {};
  const subjects = everybody().filter((s) => (quick ? s.name === GUARDED : SUBJECTS.includes(s.name)));
  const rows: Row[] = [], row = { work: "instructions", spread: 0, unit: "" };
  for (const work of WORKS) {
    // Peers have IPv4.
    const able = subjects.filter((s) => work.params["family"] === undefined || s.name === GUARDED);
    const counts = able.map((s) => ({ subject: s.name, of: counted(s, work, { caches: !quick }) }));
    for (const { subject, of: [instructions, first, last] } of counts) {
      const had = subject === GUARDED ? table[work.name] : undefined;
      const ratios: Record<string, number> = had === undefined ? {} : { committed: instructions! / had };
      for (const other of subject === GUARDED ? counts.slice(1) : [])
        ratios[other.subject] = instructions! / other.of[0]!;
      rows.push({ ...row, subject, params: { of: work.name }, median: Math.round(instructions!), ratios });
      if (quick) continue;
      for (const [cache, median] of [["first", first!], ["last", last!]] as const)
        rows.push({ ...row, work: "misses", subject, params: { of: work.name, cache }, median, ratios: {} });
    }
  }
  if (write) {
    const own = rows.filter((r) => r.subject === GUARDED && r.work === "instructions");
    writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(own.map((r) => [r.params["of"], r.median])), null, 2)}\n`);
  }
  return rows;
}

/** What grew. */
export function grown(rows: Row[]): string[] {
  return rows
    .filter((r) => (r.ratios["committed"] ?? 0) > GROWTH_MAX)
    .map((r) => `instructions for ${r.params["of"]}: ${r.median}, ${r.ratios["committed"]!.toFixed(2)} × what was`);
}
