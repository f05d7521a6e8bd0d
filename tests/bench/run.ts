/**
 * `npm run bench [-- WORK …] [--quick] [--json] [--html FILE] [--guard] [--write] [--family 6]`: speed as ratios,
 * measured in one run. Without a work: all. `--family 6`: over IPv6, against IPv4. `--guard`: ends with 1 when a ratio
 * is below what a short run must reach, when instructions grew, or a peer cannot be had. What is below its guard in a
 * short run is measured again in full, at most twice: a machine that is shared changes its speed within seconds, by a
 * factor of two, and what became slower stays below its guard. `--write`: the instructions become the committed ones.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Progress } from "../../tools/progress.js";
import { verdicts } from "./aims.js";
import { benchComponent } from "./component.js";
import { benchFamily, FAMILY_WORKS } from "./family.js";
import { benchFlood } from "./flood.js";
import { benchInstructions, grown, writeInstructions } from "./instructions.js";
import { benchFairness } from "./kernel.js";
import { benchLink } from "./link.js";
import type { Row } from "./measure.js";
import { benchBusy, benchPeers, benchStartup, calibration, everybody, leftOut } from "./peers.js";
import { benchPacketCost, benchScale } from "./scale.js";
import { benchShards } from "./shards.js";
import { configurations } from "./subjects.js";

const peers = (name: string) => (quick: boolean): Row[] => benchPeers(name, quick);
const WORKS: Record<string, (quick: boolean) => Row[] | Promise<Row[]>> = {
  bulk: peers("bulk"),
  "bulk-zero-copy": peers("bulk-zero-copy"),
  connections: peers("connections"),
  "round-trips": peers("round-trips"),
  messages: peers("messages"),
  "accept-close": peers("accept-close"),
  idle: peers("idle"),
  instructions: benchInstructions,
  "packet-cost": benchPacketCost,
  memory: (quick) => [...benchPeers("memory", quick), ...benchBusy()],
  syn: benchFlood,
  startup: (quick) => [...benchPeers("startup", quick), ...benchStartup(quick)],
  scale: benchScale,
  component: benchComponent,
  shards: benchShards,
  fairness: benchFairness,
  link: benchLink,
};
const WITH_PEERS = new Set([
  "bulk", "bulk-zero-copy", "connections", "round-trips", "messages", "accept-close", "idle", "instructions", "memory",
  "startup",
]);

interface Options { works: string[]; quick: boolean; json: boolean; guard: boolean; html: string | undefined }

/** The works that are asked for; over IPv6, those that there are for that. */
function asked(positionals: string[], six: boolean): string[] {
  const names = positionals.map((name) => (name === "flood" ? "syn" : name));
  const all = six ? FAMILY_WORKS : Object.keys(WORKS), unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new Error(`there is no work "${unknown}"; there are ${all.join(", ")}`);
  return names.length > 0 ? all.filter((w) => names.includes(w)) : all;
}

function options(): Options & { six: boolean } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: "boolean" }, json: { type: "boolean" }, guard: { type: "boolean" }, html: { type: "string" },
        write: { type: "boolean" }, family: { type: "string" },
      },
    });
    if (values.family !== undefined && values.family !== "6") throw new Error("--family is 6");
    const six = values.family !== undefined;
    if (values.write === true) writeInstructions();
    return {
      works: asked(positionals, six),
      six,
      quick: values.quick === true,
      json: values.json === true,
      guard: values.guard === true,
      html: values.html,
    };
  } catch (e) {
    console.error(`bench: ${(e as Error).message}`);
    process.exit(2);
  }
}

const { works, quick, json, guard, html, six } = options();
const bar = new Progress("works", works.length);
const say = (text: string): void => {
  if (!json) bar.say(text);
};
const beside = !six && works.some((w) => WITH_PEERS.has(w));
const limits = beside ? (everybody(quick), calibration()) : {};
const configuration = beside ? configurations() : {};
if (beside) {
  say(Object.entries(configuration).map(([who, what]) => `${who}: ${what}`).join("\n"));
  say(
    `this machine, GB/s: ${Object.entries(limits)
      .map(([k, v]) => `${k.replace("_gb_s", "").replaceAll("_", " ")} ${v.toFixed(1)}`)
      .join(", ")}\n`,
  );
}
say(`${"work".padEnd(16)}${"subject".padEnd(26)}${"parameters".padEnd(50)}${"median".padStart(14)}  ± spread  ratios`);

/** Measures one work, and says each of its rows. */
async function measure(name: string, how: "quick" | "full"): Promise<Row[]> {
  const short = how === "quick";
  const rows = six ? benchFamily(name, short) : await WORKS[name]!(short);
  for (const row of rows) {
    if (row.work.startsWith("bulk") && !six) {
      const limit = limits[row.subject.includes("v8") ? "v8_bulk_limit_gb_s" : "native_bulk_limit_gb_s"];
      if (limit !== undefined) row.ratios["the limit"] = row.median / limit;
    }
    const params = Object.entries(row.params)
      .map(([k, v]) => `${k} ${v}`)
      .join(", ");
    const ratios = Object.entries(row.ratios)
      .map(([k, v]) => `${v.toFixed(2)} × ${k}`)
      .join(", ");
    const median = `${row.median.toPrecision(4)} ${row.unit}`, spread = (100 * row.spread).toFixed(0);
    const what = `${row.work.padEnd(16)}${row.subject.padEnd(26)}${params.padEnd(50)}`;
    say(`${what}${median.padStart(14)}  ± ${spread.padStart(3)} %  ${ratios}`);
  }
  return rows;
}

let rows: Row[] = [];
for (const [n, name] of works.entries()) {
  bar.at(n);
  rows.push(...(await measure(name, quick ? "quick" : "full")));
}
for (let again = 0; guard && quick && again < 2; again++) {
  for (const work of new Set(verdicts(rows).filter((v) => !v.guarded).map((v) => v.work))) {
    say(`\n${work}: below a guard; again, in full`);
    rows = [...rows.filter((r) => r.work !== work), ...(await measure(work, "full"))];
  }
}
bar.stop();
const judged = verdicts(rows);
if (judged.length > 0) say(`\n${judged.map((v) => v.text).join("\n")}`);
if (json) console.log(JSON.stringify({ calibration: limits, configuration, rows }));
if (html !== undefined) {
  const { page } = await import("./report.js");
  writeFileSync(html, page(rows, limits, configuration, judged.map((v) => v.text)));
  say(`\n${html} has it with plots`);
}
if (guard) {
  const failed = judged.filter((v) => !v.guarded);
  for (const v of failed) console.error(`bench: below its guard: ${v.text}`);
  // Nobody's figures are met who was not measured.
  for (const line of leftOut) console.error(`bench: with --guard nobody may be missing: ${line}`);
  const more = grown(rows);
  for (const line of more) console.error(`bench: more than was committed (--write): ${line}`);
  if (failed.length + leftOut.length + more.length > 0) process.exit(1);
}
