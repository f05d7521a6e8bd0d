/** `stint flood`: a SYN flood on the virtual wire, with each defence in turn. */
import { writeFileSync } from "node:fs";
import { Option, type Command } from "commander";
import asciichart from "asciichart";
import { DEFENCES, flood, type Defence, type FloodRun } from "../lab/flood.js";
import { parseCount, within } from "./arguments.js";

interface Options {
  defence: Defence;
  rate: number;
  seconds: number;
  clients: number;
  networks: number;
  seed: number;
  json?: boolean;
  plot?: string;
}

/** `stint flood`: but for the CPU time that it measures, a seed's numbers are the same on each machine. */
export function addFlood(program: Command): void {
  program
    .command("flood")
    .description(
      "a SYN flood in virtual time: an attacker, honest clients, a server, and what each defence does for them",
    )
    .addOption(
      new Option("--defence <name>", "one defence alone; all: every one, and then all together")
        .choices(DEFENCES)
        .default("all"),
    )
    .option("--rate <n>", "spoofed SYNs a second", within(0, 1_000_000), 2000)
    .option("--seconds <n>", "how long clients come", within(1, 3600), 20)
    .option("--clients <n>", "honest clients, each of which connects about once a second", within(1, 250), 50)
    .option(
      "--networks <n>", "/24 networks that the attacker's addresses come from; 0: from everywhere", within(0, 65536), 4,
    )
    .option("--seed <n>", "replay a run", parseCount, 1)
    .option("--json", "print one JSON object")
    .option("--plot <file>", "write a plot of honest success over time, as SVG")
    .action(run);
}

async function run(options: Options): Promise<void> {
  if (options.plot !== undefined && !options.plot.endsWith(".svg"))
    throw new RangeError("--plot writes SVG: give it a name that ends in .svg");
  const chosen = options.defence === "all" ? [...DEFENCES] : [options.defence];
  if (!options.json) {
    const whence = options.networks === 0 ? "everywhere" : `${options.networks} networks`;
    console.log(`${options.rate} spoofed SYNs a second from ${whence} against a table of 256 half-open connections, ` +
      `${options.seconds} s; ${options.clients} honest clients.\n`);
    console.log(
      "defence  served    of       %   connect ms: median      99 %   half-open   memory, bytes   CPU, ns/SYN",
    );
  }
  const runs: FloodRun[] = [];
  for (const defence of chosen) {
    const result = flood(defence, options);
    runs.push(result);
    if (!options.json) console.log(row(result));
  }
  if (options.plot !== undefined) {
    const { plotSvg } = await import("../lab/plot.js");
    writeFileSync(
      options.plot,
      plotSvg(
        `Honest clients served under ${options.rate} SYNs a second`,
        { name: "time, s", min: 0, max: options.seconds },
        { name: "served, %", min: 0, max: 100 },
        runs.map((r) => ({
          name: r.defence,
          points: r.timeline.map((t): [number, number] => [t.second + 0.5, share(t)]),
        })),
      ),
    );
  }
  if (options.json) {
    console.log(JSON.stringify({
      rate: options.rate, seconds: options.seconds, clients: options.clients, networks: options.networks,
      seed: options.seed, runs,
    }));
    return;
  }
  console.log("");
  for (const result of runs) console.log(EXPLAINED[result.defence]);
  for (const result of runs) {
    console.log(`\n${result.defence}: honest clients served, % of those who began in each second`);
    console.log(
      asciichart.plot(result.timeline.map(share), {
        height: 4,
        min: 0,
        max: 100,
        format: (x) => x.toFixed(0).padStart(5),
      }),
    );
  }
  if (options.plot !== undefined) console.log(`\nThe plot is in ${options.plot}.`);
}

function share(t: { attempted: number; connected: number }): number {
  return t.attempted === 0 ? 100 : (100 * t.connected) / t.attempted;
}

function ms(n: number): string {
  return Number.isNaN(n) ? "–" : n.toFixed(0);
}

function row(r: FloodRun): string {
  const memory =
    r.memory_bytes_before === r.memory_bytes_peak
      ? `${r.memory_bytes_peak} (constant)`
      : `${r.memory_bytes_before} to ${r.memory_bytes_peak}`;
  const percent = r.honest_attempted === 0 ? "–" : ((100 * r.honest_connected) / r.honest_attempted).toFixed(1);
  return [
    r.defence.padEnd(7), String(r.honest_connected).padStart(8), String(r.honest_attempted).padStart(6),
    percent.padStart(7), ms(r.connect_ms_p50).padStart(20), ms(r.connect_ms_p99).padStart(9),
    String(r.half_open_peak).padStart(11), memory.padStart(19), String(r.syn_ns).padStart(9),
  ].join(" ");
}

const EXPLAINED: Record<Defence, string> = {
  none: "none     a full table turns SYNs away, and each spoofed one keeps its place for a minute: nobody gets in.",
  timeout:
    "timeout  a record lives for 0.5 s and not for 63: places come free 126 times as often, "
      + "and a SYN that comes again may find one.",
  rate: "rate     one SYN a second from each /24, in bursts of 8: good as long as the attacker has few "
    + "networks; try --networks 0.",
  cookies: "cookies  a full table is no end: the SYN-ACK's sequence number holds what the table would.",
  balance: "balance  two servers share the flows and a secret; one dies half-way, the other completes what it began.",
  all: "all      rate limits, cookies, shorter time-outs, two servers.",
};
