/**
 * `npm run bench [-- WORK …] [--quick] [--json]`: speed as ratios, measured in one run. Works: flood, packet-cost, scale.
 */
import { benchFlood } from "./flood.js";
import { benchPacketCost, benchScale } from "./scale.js";
import type { Row } from "./measure.js";

const WORKS: Record<string, (quick: boolean) => Row[]> = { flood: benchFlood, "packet-cost": benchPacketCost, scale: benchScale };

const quick = process.argv.includes("--quick"), json = process.argv.includes("--json");
const asked = process.argv.slice(2).filter((a) => !a.startsWith("--"));
for (const work of asked) {
  if (work in WORKS) continue;
  console.error(`bench: there is no work "${work}"; there are ${Object.keys(WORKS).join(", ")}`);
  process.exit(2);
}
const rows: Row[] = [];
if (!json) console.log(`${"work".padEnd(12)}${"subject".padEnd(26)}${"parameters".padEnd(54)}${"median".padStart(12)}  ± spread  ratios`);
for (const [name, work] of Object.entries(WORKS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  for (const row of work(quick)) {
    rows.push(row);
    if (json) continue;
    const params = Object.entries(row.params).map(([k, v]) => `${k} ${v}`).join(", "), ratios = Object.entries(row.ratios).map(([k, v]) => `${v.toFixed(2)} × ${k}`).join(", ");
    console.log(`${row.work.padEnd(12)}${row.subject.padEnd(26)}${params.padEnd(54)}${`${row.median.toPrecision(4)} ${row.unit}`.padStart(12)}  ± ${(100 * row.spread).toFixed(0).padStart(3)} %  ${ratios}`);
  }
}
if (json) console.log(JSON.stringify({ rows }));
