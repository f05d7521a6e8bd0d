// Runs scripts that are not the project's, and fails when one does not pass that tests/packetdrill/outside.txt does not
// list with its clause.
//   node tools/outside.mjs FOLDER
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { relative } from "node:path";

const folder = process.argv[2];
const listed = new Set(
  readFileSync("tests/packetdrill/outside.txt", "utf8")
    .trim()
    .split("\n")
    .map((l) => l.split("\t")[0]),
);
const run = spawnSync(process.execPath, ["build/stint.js", "packetdrill", "--json", folder], {
  encoding: "utf8", maxBuffer: 1 << 28,
});
const report = JSON.parse(run.stdout);
console.log(
  `${report.total} scripts: ${report.passed} passed, ${report.failed} failed, ${report.unsupported} unsupported`,
);
const unexpected = report.scripts.filter((s) => s.result !== "passed" && !listed.has(relative(folder, s.file)));
for (const s of unexpected)
  console.log(
    s.result === "failed"
      ? `FAILED ${s.file}:${s.line}: expected ${s.expected}, but ${s.got}`
      : `UNSUPPORTED ${s.file}: ${s.got}`,
  );
process.exitCode = unexpected.length > 0 ? 1 : 0;
