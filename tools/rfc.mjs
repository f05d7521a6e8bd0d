// `npm run rfc`: the ledger of requirements, each with its tests and their results. `npm run rfc -- --results FILE`
// takes the results that `npm test -- --results FILE` wrote. `npm run rfc -- --section 3.10.7.4`: where in the code a
// section of RFC 9293 lives.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

function sources(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) =>
    e.isDirectory() ? sources(join(dir, e.name)) : e.name.endsWith(".ts") ? [join(dir, e.name)] : []);
}

/** Lines of the code that name a section of RFC 9293, or, in a file that does, "§3.10.7.4" alone: "file:line  text". */
export function findSection(section) {
  const exact = new RegExp(`§${section.replaceAll(".", "\\.")}(?![.\\d]*\\d)`);
  return sources("assembly").flatMap((file) =>
    readFileSync(file, "utf8").split("\n").flatMap((line, i) => {
      const at = line.search(exact);
      if (at < 0) return [];
      // The RFC that the sign belongs to is the last one named before it on the line; alone, in tcp/, it is RFC 9293.
      const rfc =
        [...line.slice(0, at).matchAll(/RFC (\d+)/g)].at(-1)?.[1] ?? (file.startsWith("assembly/tcp/") ? "9293" : "");
      return rfc === "9293" ? [`${file}:${i + 1}  ${line.trim()}`] : [];
    }));
}

/** The project's own table of requirements. */
function requirements() {
  return readFileSync("tests/rfc/requirements.tsv", "utf8").trim().split("\n").slice(1).map((line) => {
    const [id, level, rfc, section, text] = line.split("\t");
    return { id, level, rfc, section, text };
  });
}

/** Ids that the design says are not met, each with its reason. */
function waived() {
  const design = readFileSync("docs/design/deviations.md", "utf8");
  return new Map([...design.matchAll(/^\| ((?:[\w-]+(?:, )?)+) \| (waived|not applicable|deviates): ([^|]+)\|/gm)]
    .flatMap(([, ids, kind, why]) => ids.split(", ").map((id) => [id, `${kind}: ${why.trim()}`])));
}

/** Runs the suites that name requirements. Returns the file of results, which tell which failed. */
function runTests() {
  const results = join(mkdtempSync(join(tmpdir(), "stint-rfc-")), "results.json");
  try {
    execFileSync("node", ["--import", "tsx", "tests/run.ts", "unit", "rfc", "host", "--results", results], {
      stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, CI: "" },
    });
  } catch { /* a test failed */ }
  return results;
}

function main() {
  const at = process.argv.indexOf("--section");
  if (at > 0) {
    const lines = findSection(process.argv[at + 1] ?? "");
    if (lines.length === 0) {
      console.error(`no file names RFC 9293 §${process.argv[at + 1]}`);
      process.exit(1);
    }
    for (const line of lines) console.log(line);
    return;
  }
  const ran = JSON.parse(readFileSync(
    process.argv.includes("--results") ? process.argv[process.argv.indexOf("--results") + 1] : runTests(), "utf8",
  ));
  const excused = waived();
  const totals = {};
  let missing = 0;
  for (const r of requirements()) {
    const named = new RegExp(`(^|[^\\w-])${r.id}($|[^\\w-])`);
    const tests = ran.filter((t) => named.test(t.name));
    const result =
      tests.length === 0
        ? excused.has(r.id)
          ? "waived"
          : "NO TEST"
        : tests.every((t) => t.result === "passed")
          ? "passed"
          : "FAILED";
    totals[result] = (totals[result] ?? 0) + 1;
    const must = /MUST|key/.test(r.level);
    if (must && (result === "NO TEST" || result === "FAILED")) missing++;
    console.log(
      `${r.id.padEnd(12)} ${r.level.padEnd(11)} ${`${r.rfc} §${r.section}`.padEnd(22)} ${result.padEnd(8)} ${
        tests
          .map((t) => t.file)
          .filter((f, i, a) => a.indexOf(f) === i)
          .join(" ")
        || (excused.get(r.id) ?? "")
      }`,
    );
  }
  console.log(Object.entries(totals).map(([k, n]) => `${n} ${k}`).join(", "));
  process.exitCode = missing > 0 ? 1 : 0;
}

if (process.argv[1]?.endsWith("rfc.mjs")) main();
