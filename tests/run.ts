/**
 * Runs the tests and prints one line for each that failed or was skipped, then `N passed, N failed`. With CI=true a skip is a failure.
 *
 *   node --import tsx tests/run.ts [--only TEXT] [suite …]     suites: unit, rfc, small, owned, host, sim, packetdrill, explore, fuzz, browser, interop; by default all
 */
import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";
import { owned } from "../tools/ownership.mjs";

const SUITES = ["rfc", "host", "sim", "packetdrill", "explore", "fuzz", "browser", "interop"];
const only = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1] : undefined;
const asked = process.argv.slice(2).filter((a, i, all) => !a.startsWith("--") && all[i - 1] !== "--only" && all[i - 1] !== "--results");
const wants = (suite: string): boolean => asked.length === 0 || asked.includes(suite);
const CI = process.env["CI"] === "true";

export interface Result {
  name: string;
  file: string;
  result: "passed" | "failed" | "skipped";
}
const results: Result[] = [];

function record(name: string, file: string, result: Result["result"], detail = ""): void {
  results.push({ name, file, result });
  if (result === "failed") console.log(`FAILED  ${file}: ${name}\n${detail.replace(/^/gm, "        ")}`);
  if (result === "skipped") console.log(`${CI ? "FAILED (skipped in CI)" : "skipped"}  ${name}: ${detail}`);
}

/** Unit tests in AssemblyScript. as-pect exits with 0 when it finds none, so its own count is what counts. */
function unit(): void {
  const asp = spawnSync("npx", ["asp", "--config", "tests/as-pect.config.js", "--as-config", "tests/as-pect.asconfig.json"], { encoding: "utf8" });
  const lines = asp.stdout.split("\n").filter((l) => l.startsWith("@"));
  for (const line of lines) {
    const { file, name, pass, detail } = JSON.parse(line.slice(1)) as { file: string; name: string; pass: boolean; detail: string };
    record(name, file, pass ? "passed" : "failed", detail);
  }
  if (lines.length === 0 || asp.status !== 0 && results.every((r) => r.result === "passed")) {
    record("the unit tests run", "tests/unit", "failed", asp.stdout + asp.stderr);
  }
}

async function suite(dir: string, concurrency: number): Promise<void> {
  let names: string[];
  try {
    names = readdirSync(join("tests", dir)).filter((f) => f.endsWith(".test.ts"));
  } catch {
    return;
  }
  const files = names.map((f) => join("tests", dir, f));
  if (files.length === 0) return;
  const stream = run({ files, concurrency, ...(only === undefined ? {} : { testNamePatterns: [only] }) });
  for await (const event of stream) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { name, details, skip, file, nesting } = event.data;
    // A file, or a describe block, is no test of its own, unless it failed by itself.
    const error = (details as { error?: { cause?: unknown; failureType?: string } }).error;
    if ((details as { type?: string }).type === "suite" || (nesting === 0 && files.some((f) => name.endsWith(f)))) {
      if (event.type === "test:fail" && error?.failureType !== "subtestsFailed") record(name, dir, "failed", String(error?.cause ?? error));
      continue;
    }
    const where = file?.split("tests/").at(-1) ?? dir;
    if (skip !== undefined && skip !== false) record(name, where, "skipped", typeof skip === "string" ? skip : "");
    else if (event.type === "test:pass") record(name, where, "passed");
    else record(name, where, "failed", String((error?.cause as Error | undefined)?.stack ?? error?.cause ?? error));
  }
}

if (wants("unit")) unit();
if (wants("small")) {
  // The tests of the RFCs once more, on the small build.
  process.env["STINT_MODULE"] = "stint";
  await suite("rfc", 2);
  delete process.env["STINT_MODULE"];
}
if (wants("owned")) {
  // And with every access checked (tools/ownership.mjs).
  owned("build/stint.owned.wasm");
  process.env["STINT_MODULE"] = "stint.owned";
  for (const dir of ["ownership", "rfc", "packetdrill"]) await suite(dir, 2);
  delete process.env["STINT_MODULE"];
}
for (const dir of SUITES) if (wants(dir)) await suite(dir, dir === "interop" ? 1 : 2);

const at = process.argv.indexOf("--results");
if (at > 0) writeFileSync(process.argv[at + 1]!, JSON.stringify(results));
const n = (r: Result["result"]): number => results.filter((x) => x.result === r).length;
const failed = n("failed") + (CI ? n("skipped") : 0), skipped = CI ? 0 : n("skipped");
console.log(`${n("passed")} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 || results.length === 0 ? 1 : 0;
