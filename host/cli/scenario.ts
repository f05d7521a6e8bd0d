/** `stint scenario`: the lab's scenarios in the terminal. */
import { createInterface } from "node:readline/promises";
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { Lab } from "../lab/lab.js";
import { type Ladder, ladderSvg, ladderText, wrap } from "../lab/ladder.js";
import { SCENARIOS, scenarioNamed } from "../lab/scenarios.js";
import { laddersOf } from "../lab/story.js";
import { pcapngHead, pcapngPacket } from "../links/pcapng.js";
import { loadModule } from "../module.js";
import { parseCount } from "./arguments.js";

interface Options {
  list?: boolean;
  step?: boolean;
  seed: number;
  variant?: string;
  svg?: string;
  pcap?: string;
  json?: boolean;
}

/** `stint scenario`: without a name it lists them. */
export function addScenario(program: Command): void {
  program
    .command("scenario")
    .description("play a scenario of the handshake lab, with an explanation of each segment")
    .argument("[name]", "which one; --list names them")
    .option("--list", "name the scenarios")
    .option("--step", "wait for the return key before each segment")
    .option("--seed <n>", "initial sequence numbers", parseCount, 1)
    .option("--variant <name>", "of a scenario that has some: the SYN flood's defence")
    .option("--svg <file>", "draw the ladder into a file")
    .option("--pcap <file>", "write the frames to a pcapng file")
    .option("--json", "print one JSON object")
    .action(async (name: string | undefined, options: Options) => {
      if (options.list || name === undefined) {
        for (const s of SCENARIOS)
          console.log(
            `${s.name.padEnd(20)} ${s.sentence}${s.variants ? ` (${Object.keys(s.variants).join(", ")})` : ""}`,
          );
        return;
      }
      const scenario = scenarioNamed(name), names = Object.keys(scenario.variants ?? {});
      const variant = options.variant ?? names[0] ?? "";
      if (options.variant !== undefined && !names.includes(variant)) {
        throw new RangeError(
          names.length > 0
            ? `"${name}" has no variant "${variant}"; it has ${names.join(", ")}`
            : `"${name}" has no variants`,
        );
      }
      const lab = new Lab(loadModule(), scenario, options.seed, variant);
      lab.finish();
      const ladders = laddersOf(lab, scenario.title);
      if (options.pcap !== undefined) {
        writeFileSync(
          options.pcap,
          Buffer.concat([
            pcapngHead(["wire"]), ...lab.frames.map((f) => pcapngPacket(f.timeUs, f.bytes, 0, f.fate ?? "")),
          ]),
        );
      }
      if (options.svg !== undefined) {
        const last = ladders.at(-1);
        if (!last) throw new RangeError(`"${name}" has no connection of its own to draw; see stint flood`);
        writeFileSync(options.svg, ladderSvg(last));
      }
      if (options.json) console.log(JSON.stringify(asJson(name, variant, options.seed, lab, ladders)));
      else await play(lab, variant, ladders, options.step === true);
    });
}

/** A scenario as `--json` prints it. */
function asJson(name: string, variant: string, seed: number, lab: Lab, ladders: Ladder[]): object {
  const statesOf = (host: number): string[] => lab.changes.filter((c) => c.host === host).map((c) => c.state);
  return {
    name, variant, seed, served: lab.served.began, connected: lab.served.connected,
    states: Object.fromEntries(lab.hosts.map((h, i) => [h.name, statesOf(i)])),
    segments: ladders.flatMap((l) => l.lines).map(({ segment: s, states }) => ({
      time_us: s.timeUs - lab.startUs, from: s.from, flags: s.tcp.flags, seq: s.seq, ack: s.ack, len: s.tcp.len,
      marks: s.marks, states, says: s.says,
    })),
  };
}

/** Tells a scenario in the terminal; with `step` it waits for the return key before each segment. */
async function play(lab: Lab, variant: string, ladders: Ladder[], step: boolean): Promise<void> {
  const { scenario } = lab, names = Object.keys(scenario.variants ?? {});
  const columns = Math.min(process.stdout.columns ?? 100, 110), colour = process.stdout.isTTY;
  const say = (text: string): void => wrap(text, columns).forEach((line) => console.log(line));
  console.log(scenario.title);
  say(scenario.sentence);
  const reader =
    step && process.stdin.isTTY ? createInterface({ input: process.stdin, output: process.stdout }) : null;
  for (const ladder of ladders) {
    console.log("");
    for (const lines of ladderText(ladder, { colour, columns })) {
      for (const line of lines) console.log(line);
      if (reader) await reader.question("");
    }
  }
  reader?.close();
  for (const n of lab.notes)
    console.log(`${((n.timeUs - lab.startUs) / 1000).toFixed(3).padStart(9)} ms  ${n.text}`);
  if (lab.served.began > 0) {
    console.log(
      `\ndefence: ${variant}. ${lab.served.spoofed} spoofed SYNs; ${lab.served.connected} of ${lab.served.began} `
        + "honest clients connected.",
    );
    console.log(`others: ${names.filter((v) => v !== variant).map((v) => `--variant "${v}"`).join(", ")}`);
  }
  for (const p of scenario.explanation) {
    console.log("");
    say(p);
  }
}
