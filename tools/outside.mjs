// Runs scripts that are not the project's, and fails when one does not pass that tests/packetdrill/outside.txt does not
// list with its clause. A third column, "ipv6", is for scripts that name what only IPv4 has.
//   node tools/outside.mjs FOLDER [ipv6]
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { relative } from "node:path";

const [folder, version = "ipv4"] = process.argv.slice(2);
const listed = new Set(
  readFileSync("tests/packetdrill/outside.txt", "utf8")
    .trim()
    .split("\n")
    .map((l) => l.split("\t"))
    .filter(([, , only = version]) => only === version)
    .map(([file]) => file),
);
const over = version === "ipv4" ? [] : ["--ip_version", version];
const run = spawnSync(process.execPath, ["build/stint.js", "packetdrill", "--json", ...over, folder], {
  encoding: "utf8", maxBuffer: 1 << 28,
});
const report = JSON.parse(run.stdout);
const { total, passed, failed, unsupported } = report;
console.log(
  `${total} scripts over ${version}: ${passed} passed, ${failed} failed, ${unsupported} unsupported`,
);
const unexpected = report.scripts.filter((s) => s.result !== "passed" && !listed.has(relative(folder, s.file)));
for (const s of unexpected)
  console.log(
    s.result === "failed"
      ? `FAILED ${s.file}:${s.line}: expected ${s.expected}, but ${s.got}`
      : `UNSUPPORTED ${s.file}: ${s.got}`,
  );
process.exitCode = unexpected.length > 0 ? 1 : 0;
