/** A ladder diagram in text: two hosts, their states at the margins, each segment an arrow with its fields named below it. */
import { formatOption } from "../decode.js";
import type { Pair, SentSegment, Side } from "../lab/pair.js";
import { CLIENT_IP, CLIENT_PORT, SERVER_IP, SERVER_PORT } from "../lab/pair.js";

const WIDTH = 46, MARGIN = 14;

/** Colours, when the output is a terminal. */
export function painter(on: boolean): (code: number, text: string) => string {
  return (code, text) => (on ? `\x1b[${code}m${text}\x1b[0m` : text);
}

function ms(us: number): string {
  return `${(us / 1000).toFixed(3)} ms`.padStart(12);
}

function arrow(label: string, right: boolean, cut: boolean): string {
  const room = WIDTH - label.length - 4, left = Math.floor(room / 2);
  const line = `${"─".repeat(Math.max(left, 0))} ${label} ${"─".repeat(Math.max(room - left, 0))}`;
  if (cut) return right ? `${line.slice(0, WIDTH - 6)} ✗    ` : `    ✗ ${line.slice(0, WIDTH - 6)}`;
  return right ? `${line}─▶` : `◀─${line}`;
}

/** The lines for the segments from..to and the states entered meanwhile. */
export function ladder(pair: Pair, from = 0, to = pair.segments.length, colour = false): string[] {
  const paint = painter(colour);
  const iss: Record<Side, number> = { client: pair.issOf("client"), server: pair.issOf("server") };
  const other = (side: Side): Side => (side === "client" ? "server" : "client");
  const lines: string[] = [];
  const stateAt = (side: Side, us: number): string =>
    pair.changes.filter((c) => c.side === side && c.time_us <= us).at(-1)?.state ?? "CLOSED";
  const row = (left: string, middle: string, right: string, time = ""): void => {
    lines.push(`${time.padStart(12)}  ${left.padStart(MARGIN)} │${middle}│ ${right}`.trimEnd());
  };
  const first = pair.segments[from];
  if (from === 0 && first) {
    row("client", " ".repeat(WIDTH), "server");
    row(`${CLIENT_IP}:${CLIENT_PORT}`, " ".repeat(WIDTH), `${SERVER_IP}:${SERVER_PORT}`);
    const before = (side: Side): string => pair.changes.filter((c) => c.side === side && c.state !== "SYN-SENT").at(0)?.state ?? "CLOSED";
    row(before("client"), " ".repeat(WIDTH), pair.options.simultaneous ? before("server") : "LISTEN");
  }
  for (const s of pair.segments.slice(from, to)) {
    const right = s.from === "client";
    const rel = (seq: number, side: Side): number => (seq - iss[side]) >>> 0;
    const flags = s.flags.join(", ");
    const label = s.len > 0 ? `${flags} + ${s.len} bytes` : flags;
    const sender = stateAt(s.from, s.time_us);
    const receiver = s.arrives_us === null ? "" : stateAt(other(s.from), s.arrives_us);
    const body = paint(right ? 36 : 33, arrow(label, right, s.arrives_us === null));
    const detail = (text: string): void => row("", ` ${text}`.padEnd(WIDTH), "");
    if (right) row(sender, body, receiver, ms(s.time_us));
    else row(receiver, body, sender, ms(s.time_us));
    detail(`SEQ ${s.seq} (relative ${rel(s.seq, s.from)})`);
    if (s.flags.includes("ACK")) detail(`ACK ${s.ack} (relative ${rel(s.ack, other(s.from))})`);
    detail(`window ${s.window}${s.fate ? `, ${s.fate}` : ""}`);
    const options = s.options.filter((o) => o.kind !== "nop");
    for (const o of options) detail(paint(90, formatOption(o, (q) => rel(q, other(s.from)))));
  }
  return lines;
}

/** The states of both sides in their order, a line each. */
export function stateLines(pair: Pair): string[] {
  return (["client", "server"] as const).map((side) => `  ${side}: ${pair.statesOf(side).join(" → ")}`);
}

export type { SentSegment };
