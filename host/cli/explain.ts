/** `stint explain`: what a capture says about its TCP connections. */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { analyze, type Connection, skipped } from "../lab/analyze.js";
import { ladderOf, ladderSvg, ladderText, plural } from "../lab/ladder.js";
import { readCapture, CaptureError } from "../links/read-capture.js";
import { parseCount, within } from "./arguments.js";
import { readInput } from "./problem.js";

interface Options { connection?: number; svg?: string; json?: boolean; limit: number }

/** A connection as `--json` prints it. */
function asJson(c: Connection): object {
  return {
    client: c.names[0], server: c.names[1], iss: c.iss, complete: c.complete, findings: c.findings,
    segments: c.segments.map((s) => ({
      frame: s.frame + 1, time_us: s.timeUs, from: s.from, flags: s.tcp.flags, seq: s.seq, ack: s.ack,
      len: s.tcp.len, window: s.tcp.window, marks: s.marks, states: s.states, says: s.says,
    })),
  };
}

/** A connection in the list of all of them: its number, its ends, and what was found first. */
function summary(c: Connection, i: number): string {
  const ends = `${String(i + 1).padStart(4)}  ${c.names[0]} → ${c.names[1]}`;
  return [ends, plural(c.segments.length, "segment"), ...c.findings.slice(0, 1)].join("  ");
}

/** `stint explain`: a file that is no capture is one line on stderr, with what is wrong with it. */
export function addExplain(program: Command): void {
  program
    .command("explain")
    .description(
      "read a capture (pcap, pcapng): the ladder of a TCP connection, each segment explained, and what went wrong",
    )
    .argument("<file>", "the capture")
    .option(
      "--connection <n>", "which one, from 1; without it all are listed, and the first is shown", within(1, 0xffffffff),
    )
    .option("--svg <file>", "draw the ladder into a file")
    .option("--limit <n>", "segments to show at most", parseCount, 200)
    .option("--json", "print one JSON object")
    .action((file: string, options: Options) => {
      let captured;
      try {
        captured = readCapture(readInput(file));
      } catch (e) {
        if (e instanceof CaptureError) throw new RangeError(`${file}: ${e.message}`);
        throw e;
      }
      const connections = analyze(captured.frames);
      const left = skipped(captured.frames);
      const leftOut = left.reduce((n, [, k]) => n + k, 0);
      const kinds = left.map(([kind, n]) => `${n} ${kind}`).join(", ");
      if (options.json) {
        console.log(JSON.stringify({
          frames: captured.frames.length, warnings: captured.warnings, skipped: Object.fromEntries(left),
          connections: connections.map(asJson),
        }));
        return;
      }
      for (const w of captured.warnings) console.error(`stint: ${file}: ${w}`);
      if (connections.length === 0)
        throw new RangeError(
          `${file}: no TCP in its ${plural(captured.frames.length, "frame")}${kinds ? `: ${kinds}` : ""}`,
        );
      console.log(`${plural(captured.frames.length, "frame")}, ${plural(connections.length, "connection")}`);
      if (leftOut > 0) console.log(`skipped: ${plural(leftOut, "frame")} without TCP: ${kinds}`);
      for (const line of connections.slice(0, options.limit).map(summary)) console.log(line);
      if (connections.length > options.limit)
        console.log(`      … and ${connections.length - options.limit} more connections (--limit)`);
      const chosen = connections[(options.connection ?? 1) - 1];
      if (!chosen)
        throw new RangeError(`there is no connection ${options.connection}; there are ${connections.length}`);
      const ladder = ladderOf(chosen, `${chosen.names[0]} → ${chosen.names[1]}`);
      const cut = { ...ladder, lines: ladder.lines.slice(0, options.limit) };
      if (options.svg !== undefined) writeFileSync(options.svg, ladderSvg(ladder, options.limit));
      console.log("");
      for (const lines of ladderText(cut, {
        colour: process.stdout.isTTY, columns: Math.min(process.stdout.columns ?? 100, 110),
      }))
        for (const line of lines) console.log(line);
      if (ladder.lines.length > options.limit)
        console.log(`… and ${ladder.lines.length - options.limit} more segments (--limit)`);
      console.log("");
      for (const f of chosen.findings) console.log(`- ${f}`);
    });
}
