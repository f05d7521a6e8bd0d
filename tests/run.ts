/**
 * Runs the tests and prints one line for each that failed or was skipped, then `N passed, N failed`. With CI=true a
 * skip is a failure.
 *
 *   node --import tsx tests/run.ts [--only TEXT] [--times] [--limit S] [suite or file …]
 *
 * Suites: unit, rfc, small, six, owned, host, sim, packetdrill, explore, fuzz, browser, interop; by default all. A
 * file that takes more than 10 minutes, or `--limit` seconds, hangs: it is killed with all that it started, and what
 * it was at has failed.
 *
 * browser and interop run in real time, on a machine that may stand still for a moment. What failed there runs once
 * more, alone, after all others. If it passes then, a line `FLAKY` has its first error, and the last line counts it:
 * `N passed, N failed, N flaky`. Each is a fault to be mended, and more than 2 of them are a failure of the run.
 */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";
import { inspect } from "node:util";
import { owned, ownedDual, ownedSmall } from "../tools/ownership.mjs";
import { FLAKY_MAX, isRealTime, passesAlone, type Doubt, type Result, type Sink } from "./harness/again.js";
import { killFile, Open } from "./harness/overdue.js";
import { unit } from "./harness/unit.js";

/** Suites, in this order. What a group has in it keeps to virtual time, and runs side by side. */
const GROUPS = [["rfc"], ["host"], ["sim", "packetdrill", "explore"], ["fuzz"], ["browser"], ["interop"]];
/** Files that load the machine on purpose, or count what they get of it: each runs alone. */
const ALONE = new Set(["flood.test.ts", "boards.test.ts", "shards.test.ts"].map((f) => join("tests", "interop", f)));
/** Tests of the RFCs that do not depend on how IP's header looks. */
const OVER_IPV6 = [
  "open", "data", "close", "segments", "windows", "flow-control", "options", "retransmission", "recovery", "new-reno",
  "congestion", "ecn", "keep-alive", "urgent", "fast-open", "flood", "attackers", "liars",
];
/** What runs on the build for old runtimes. */
const LOWERED = [
  "open", "data", "close", "segments", "options", "retransmission", "flow-control", "icmp", "ip", "bad-input",
];
const WITH_VALUE = ["--only", "--limit", "--results"];
const option = (name: string): string | undefined =>
  process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined;
const only = option("--only"), LIMIT_S = Number(option("--limit") ?? 600);
const asked = process.argv.slice(2).filter((a, i, all) => !a.startsWith("--") && !WITH_VALUE.includes(all[i - 1]!));
const wants = (suite: string): boolean => asked.length === 0 || asked.includes(suite);
const CI = process.env["CI"] === "true";

const results: Result[] = [];
/** Tests in real time that failed. */
const doubts: Doubt[] = [];

/** What Node's test runner says when a test ends. */
interface Ended {
  name: string;
  nesting: number;
  file?: string;
  skip?: string | boolean;
  details: { duration_ms: number; type?: string; error?: { cause?: unknown; failureType?: string } };
}

const indented = (text: string): string => text.replace(/^/gm, "        ");

function record(name: string, file: string, result: Result["result"], detail = ""): void {
  results.push({ name, file, result });
  if (result === "failed") console.log(`FAILED  ${file}: ${name}\n${indented(detail)}`);
  if (result === "skipped") console.log(`${CI ? "FAILED (skipped in CI)" : "skipped"}  ${name}: ${detail}`);
}

/** The first time that a test runs. */
const first: Sink = (name, file, result, detail, path) => {
  if (result !== "failed" || path === undefined || !isRealTime(path)) return record(name, file, result, detail);
  doubts.push({ name, file, path, why: detail });
  console.log(`failed once, runs again  ${file}: ${name}`);
};

/** The second time. */
async function again(): Promise<void> {
  for (const doubt of doubts) {
    const { name, file } = doubt;
    const { passes, why } = await passesAlone(doubt, (path, pattern, sink) => runFiles([path], 1, pattern, sink));
    if (!passes) record(name, file, "failed", `${doubt.why}\nand once more, alone:\n${why}`);
    else {
      results.push({ name, file, result: "passed", again: true });
      console.log(`FLAKY   ${file}: ${name}\n${indented(doubt.why)}`);
    }
  }
}

/** How long the tests of each file took, in milliseconds, since the suite began. */
const times = new Map<string, number>();
const SLOW_MS = 2000;
const spent = (file: string, ms: number): void => void times.set(file, (times.get(file) ?? 0) + ms);

async function timed(name: string, what: () => void | Promise<void>): Promise<void> {
  const start = performance.now();
  await what();
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  console.log(`${name}: ${seconds(performance.now() - start)}`);
  const slow = [...times]
    .filter(([, ms]) => ms >= SLOW_MS || process.argv.includes("--times"))
    .sort(([, a], [, b]) => b - a);
  for (const [file, ms] of slow) console.log(`        ${file} ${seconds(ms)}`);
  times.clear();
}

/** Files of a suite that run side by side. Those of interop wait for timers and peers, more than they compute. */
const AT_ONCE = 2, WAITING_AT_ONCE = 3;

/** Runs the files of suites side by side, and then those that have to be alone. */
async function suites(...dirs: string[]): Promise<void> {
  const files = dirs.flatMap((dir) =>
    readdirSync(join("tests", dir))
      .filter((f) => f.endsWith(".test.ts"))
      .map((f) => join("tests", dir, f)),
  );
  await runFiles(files.filter((f) => !ALONE.has(f)), dirs.includes("interop") ? WAITING_AT_ONCE : AT_ONCE);
  await runFiles(files.filter((f) => ALONE.has(f)), 1);
}

/** Files that were killed. */
const overdue = new Set<string>();

/** Kills a file that hangs. Where that does not work, Node ends it a minute later. */
function watch(file: string): NodeJS.Timeout {
  return setTimeout(() => {
    overdue.add(file);
    killFile(file);
  }, LIMIT_S * 1000);
}

/** What a file that was killed was at; or the file, if nobody knows. */
function hung(file: string, at: string[], sink: Sink): void {
  for (const name of at.length > 0 ? at : ["all of it"]) {
    sink(
      name, file.split("tests/").at(-1)!, "failed",
      `it did not end: after ${LIMIT_S} s its file was killed, with all that it had started`,
    );
  }
}

async function runFiles(
  files: string[], concurrency: number, pattern: RegExp | string | undefined = only, sink = first,
): Promise<void> {
  if (files.length === 0) return;
  for (const file of files) overdue.delete(file);
  const timers = new Map<string, NodeJS.Timeout>(), open = new Map(files.map((f) => [f, new Open()]));
  const stream = run({
    files, concurrency, timeout: LIMIT_S * 1000 + 60_000,
    ...(pattern === undefined ? {} : { testNamePatterns: [pattern] }),
  });
  for await (const { type, data } of stream as AsyncIterable<{ type: string; data: Ended }>) {
    if (!["test:dequeue", "test:complete", "test:pass", "test:fail"].includes(type)) continue;
    const whole = data.nesting === 0 ? files.find((f) => data.name.endsWith(f)) : undefined;
    const path = files.find((f) => data.file?.endsWith(f)), at = open.get(path ?? "");
    if (type === "test:dequeue") {
      if (whole !== undefined) timers.set(whole, watch(whole));
      else at?.began(data.name, data.nesting);
      continue;
    }
    if (whole === undefined) at?.ended(data.name, data.nesting);
    else clearTimeout(timers.get(whole));
    // What is complete is told as passed or failed in its turn.
    if (type === "test:complete") continue;
    if (whole !== undefined && (overdue.has(whole) || data.details.error?.failureType === "testTimeoutFailure"))
      hung(whole, open.get(whole)!.names(), sink);
    else take(data, type === "test:pass", whole ?? path, whole !== undefined, sink);
  }
}

/** The end of a test. A file, or a describe block, is no test of its own, unless it failed by itself. */
function take(
  { name, details: { duration_ms, type, error }, skip, file, nesting }: Ended, isPassed: boolean,
  path: string | undefined, isFile: boolean, sink: Sink,
): void {
  const where = file?.split("tests/").at(-1) ?? name;
  if (nesting === 0) spent(where, duration_ms);
  const cause = error?.cause, why = cause instanceof Error ? cause.stack ?? cause.message : inspect(cause ?? error);
  if (type === "suite" || isFile) {
    if (!isPassed && error?.failureType !== "subtestsFailed") sink(name, where, "failed", why);
  } else if (skip === "test name does not match pattern") return;
  else if (skip !== undefined && skip !== false) sink(name, where, "skipped", typeof skip === "string" ? skip : "");
  else sink(name, where, isPassed ? "passed" : "failed", isPassed ? "" : why, path);
}

if (wants("unit")) await timed("unit", () => unit(first));
if (wants("small")) {
  // The tests of the RFCs once more, on the small build.
  process.env["STINT_MODULE"] = "stint";
  await timed("small", () => suites("rfc"));
  // Most of TCP on the same build, lowered to the first WebAssembly.
  process.env["STINT_MODULE"] = "stint.mvp";
  const lowered = LOWERED.map((f) => join("tests", "rfc", `${f}.test.ts`));
  await timed("small, the first WebAssembly", () => runFiles(lowered, AT_ONCE));
  // And those of IPv6 on the small build with both families.
  process.env["STINT_MODULE"] = "stint6";
  const six = ["ipv6", "hostile6"].map((f) => join("tests", "rfc", `${f}.test.ts`));
  await timed("small, both families", () => runFiles(six, AT_ONCE));
  delete process.env["STINT_MODULE"];
}
if (wants("six")) {
  // Those of TCP once more, over IPv6 (harness/family6.ts).
  process.env["STINT_FAMILY"] = "6";
  await timed("six", () => runFiles(OVER_IPV6.map((f) => join("tests", "rfc", `${f}.test.ts`)), AT_ONCE));
  delete process.env["STINT_FAMILY"];
}
if (wants("owned")) {
  // And with every access checked (tools/ownership.mjs), on tables of sizes that are drawn.
  owned("build/stint.owned.wasm");
  process.env["STINT_MODULE"] = "stint.owned";
  process.env["STINT_DRAW"] ??= "1";
  await timed("owned", () => suites("ownership", "rfc", "packetdrill"));
  // In the shapes of the small builds: what the network reaches first.
  const files = (...names: string[]): string[] => names.map((f) => join("tests", "rfc", `${f}.test.ts`));
  await timed("owned, small", () => {
    ownedSmall();
    process.env["STINT_MODULE"] = "stint.owned.small";
    return runFiles(files("reach", "bad-input", "ip", "udp"), AT_ONCE);
  });
  await timed("owned, small, both families", () => {
    ownedDual();
    process.env["STINT_MODULE"] = "stint.owned.dual";
    return runFiles(files("reach", "hostile6"), AT_ONCE);
  });
  delete process.env["STINT_MODULE"];
  delete process.env["STINT_DRAW"];
}
for (const group of GROUPS) {
  const wanted = group.filter(wants);
  if (wanted.length > 0) await timed(wanted.join(", "), () => suites(...wanted));
}

const files = asked.filter((a) => /\.test\.\w+$/.test(a));
if (files.length > 0) await timed("files", () => runFiles(files, AT_ONCE));
if (doubts.length > 0) await timed("once more", again);

const to = option("--results");
if (to !== undefined) writeFileSync(to, JSON.stringify(results));
const n = (r: Result["result"]): number => results.filter((x) => x.result === r).length;
const failed = n("failed") + (CI ? n("skipped") : 0), skipped = CI ? 0 : n("skipped");
const flaky = results.filter((r) => r.again).length;
if (skipped > 0)
  console.log("what the skipped tests lack: npm run setup installs it, npm run setup -- --dry-run prints how");
if (flaky > FLAKY_MAX) console.log(`FAILED  ${flaky} tests were flaky; a run may have ${FLAKY_MAX}`);
const counted = ([[skipped, "skipped"], [flaky, "flaky"]] as const).filter(([count]) => count > 0);
console.log([`${n("passed")} passed`, `${failed} failed`, ...counted.map((c) => c.join(" "))].join(", "));
process.exitCode = failed > 0 || flaky > FLAKY_MAX || results.length === 0 ? 1 : 0;
