/**
 * The ladder of a connection, for the terminal and as a picture: two hosts, their states at the margins, each segment
 * an arrow.
 */
import { formatOption } from "../decode.js";
import type { Connection, Segment } from "./analyze.js";

export interface LadderLine {
  segment: Segment;
  /** Of the left and of the right host, when it left, or arrived. */
  states: [string, string];
}

export interface Ladder {
  title: string;
  names: [string, string];
  /** The states before the first segment. */
  before: [string, string];
  startUs: number;
  lines: LadderLine[];
}

/** The ladder of a connection as a capture shows it: the states are those that both ends must be in. */
export function ladderOf(connection: Connection, title: string): Ladder {
  const first = connection.segments[0];
  return {
    title,
    names: connection.names,
    before: connection.complete ? ["CLOSED", "LISTEN"] : ["", ""],
    startUs: first?.timeUs ?? 0,
    lines: connection.segments.map((segment) => ({ segment, states: segment.states })),
  };
}

/** "1 frame", "2 frames" */
export function plural(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

/** "SYN, ACK", "PSH, ACK + 100 bytes" */
export function labelOf(s: Segment): string {
  const flags = s.tcp.flags;
  return (
    [...flags.filter((f) => f !== "ACK"), ...flags.filter((f) => f === "ACK")].join(", ")
    + (s.tcp.len > 0 ? ` + ${s.tcp.len} bytes` : "")
  );
}

/** "SEQ 1, ACK 30, window 8192", relative. */
export function numbersOf(s: Segment): string {
  return `SEQ ${s.seq >>> 0}${s.tcp.flags.includes("ACK") ? `, ACK ${s.ack >>> 0}` : ""}, window ${s.tcp.window}`;
}

const WIDTH = 46, MARGIN = 14;
const COLOURS = { left: 36, right: 33, bad: 31, dim: 90, bold: 1 };

export interface TextOptions {
  colour?: boolean;
  /** Each segment's sentence below it. */
  explain?: boolean;
  /** Sequence numbers as they are in the header too, and every option. */
  absolute?: boolean;
  columns?: number;
}

/** Lines of text, segment by segment; the first ones are the head. */
export function ladderText(
  ladder: Ladder, { colour = false, explain = true, absolute = false, columns = 100 }: TextOptions = {},
): string[][] {
  const paint = (code: number, text: string): string => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const row = (left: string, middle: string, right: string, time = ""): string =>
    `${time.padStart(12)}  ${left.padStart(MARGIN)} │${middle}│ ${right}`.trimEnd();
  const blank = " ".repeat(WIDTH);
  const out: string[][] = [
    [
      `${" ".repeat(14)}${ladder.names[0]}${ladder.names[1].padStart(WIDTH + 16)}`,
      row(ladder.before[0], blank, ladder.before[1]),
    ],
  ];
  for (const { segment: s, states } of ladder.lines) {
    const lines: string[] = [], right = s.from === 0, cut = s.arrivesUs === null;
    const label = labelOf(s).slice(0, WIDTH - 8);
    const room = WIDTH - label.length - 4, before = Math.max(0, Math.floor(room / 2));
    const line = `${"─".repeat(before)} ${label} ${"─".repeat(Math.max(0, room - before))}`;
    const arrow = cut
      ? right
        ? `${line.slice(0, WIDTH - 6)} ✗    `
        : `    ✗ ${line.slice(0, WIDTH - 6)}`
      : right
        ? `${line}─▶`
        : `◀─${line}`;
    const bad = s.marks.some((m) => m === "retransmission" || m === "lost");
    lines.push(row(
      states[0], paint(bad ? COLOURS.bad : right ? COLOURS.left : COLOURS.right, arrow), states[1],
      `${((s.timeUs - ladder.startUs) / 1000).toFixed(3)} ms`,
    ));
    const detail = (text: string): void => void lines.push(row("", ` ${text}`.padEnd(WIDTH), ""));
    const marks = [...s.marks, ...(s.fate && s.fate !== "lost" ? [s.fate] : [])];
    const options = s.tcp.options.filter((o) => o.kind !== "nop");
    if (absolute) {
      detail(`SEQ ${s.tcp.seq} (relative ${s.seq >>> 0})`);
      if (s.tcp.flags.includes("ACK")) detail(`ACK ${s.tcp.ack} (relative ${s.ack >>> 0})`);
      detail(`window ${s.tcp.window}${marks.length > 0 ? `, ${marks.join(", ")}` : ""}`);
      for (const o of options) detail(paint(COLOURS.dim, formatOption(o, (q) => (q - s.tcp.ack + s.ack) >>> 0)));
    } else {
      detail(`${numbersOf(s)}${marks.length > 0 ? ` (${marks.join(", ")})` : ""}`);
      const offered = options.filter((o) => o.kind !== "timestamps");
      if (offered.length > 0 && s.tcp.flags.includes("SYN"))
        detail(paint(COLOURS.dim, offered.map((o) => formatOption(o)).join(" ")));
    }
    if (explain)
      for (const part of wrap(s.says, Math.max(40, columns - 4))) lines.push(paint(COLOURS.dim, `    ${part}`));
    out.push(lines);
  }
  return out;
}

/** Lines of `width` characters at most, but for a word that is longer. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  if (line !== "") lines.push(line);
  return lines;
}

const STYLE = [
  "text{font:13px system-ui,sans-serif;fill:#1b1f24}", ".title{font-size:17px;font-weight:600}",
  ".name,.label{font-weight:600}", ".state{font-size:12px;fill:#0b5cad}", ".numbers{font-size:11px;fill:#57606a}",
  ".post{stroke:#8c959f;stroke-width:2}", ".arrow{stroke:#1f6feb;stroke-width:1.6}", ".again{stroke:#b3541e}",
  ".lost{stroke-dasharray:5 4}", ".cross{fill:#b3261e;font-size:15px}", "#tip path{fill:#1f6feb}",
  "@media(prefers-color-scheme:dark){",
  "text{fill:#e6edf3}", ".state{fill:#79c0ff}", ".numbers{fill:#9198a1}", ".arrow{stroke:#58a6ff}",
  ".again{stroke:#f0a060}", ".cross{fill:#ff7b72}", "#tip path{fill:#58a6ff}", "}",
].join("");

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);

/**
 * Where a ladder's lines stand: both posts, the width, the first line, and how far apart they are. `low`: without a
 * title, and with the numbers beside the flags.
 */
export interface LadderShape {
  left: number; right: number; width: number; top: number; step: number; slope: number; low: boolean;
}

const WIDE: LadderShape = { left: 230, right: 570, width: 800, top: 92, step: 46, slope: 16, low: false };
/** For figures on paper. */
export const LOW: LadderShape = { left: 160, right: 450, width: 550, top: 80, step: 25, slope: 8, low: true };

/**
 * The ladder as an SVG, readable on light and dark ground. `most`: segments at most; more are left out, and that is
 * said.
 */
export function ladderSvg(ladder: Ladder, most = 200, shape: LadderShape = WIDE): string {
  const { left, right, width, step, slope, top, low } = shape, middle = (left + right) / 2;
  const shown = ladder.lines.slice(0, most);
  const height = top + shown.length * step + (low ? 20 : 40), above = low ? 40 : 0;
  const out: string[] = [];
  const text = (x: number, y: number, content: string, more = ""): void =>
    void out.push(`<text x="${x}" y="${y}" ${more}>${escape(content)}</text>`);
  if (!low) text(middle, 28, ladder.title, 'class="title" text-anchor="middle"');
  for (const [i, x] of [left, right].entries()) {
    text(x, 54, ladder.names[i]!, 'class="name" text-anchor="middle"');
    out.push(`<line x1="${x}" y1="62" x2="${x}" y2="${height - (low ? 14 : 20)}" class="post"/>`);
  }
  let states = ladder.before;
  const state = (i: 0 | 1, y: number, s: string): void =>
    text(i === 0 ? left - 12 : right + 12, y, s, `class="state" text-anchor="${i === 0 ? "end" : "start"}"`);
  state(0, 80, states[0]);
  state(1, 80, states[1]);
  shown.forEach(({ segment: s, states: now }, n) => {
    const y = top + n * step + 12;
    const from = s.from === 0 ? left : right;
    const to = s.from === 0 ? right : left, cut = s.arrivesUs === null;
    const bad = s.marks.includes("retransmission") ? " again" : "", way = s.from === 0 ? 1 : -1;
    const endX = cut ? from + (to - from) * 0.6 : to - way * 2, endY = y + slope * (cut ? 0.6 : 1);
    out.push(
      `<line x1="${from}" y1="${y}" x2="${endX}" y2="${endY}" `
        + `class="arrow${bad}${cut ? " lost" : ""}"${cut ? "" : ' marker-end="url(#tip)"'}/>`,
    );
    if (cut) text(endX + way * 10, endY + 5, "✗", 'class="cross" text-anchor="middle"');
    const numbers = `${numbersOf(s)}${s.marks.length > 0 ? ` · ${s.marks.join(", ")}` : ""}`;
    const label = low ? `${labelOf(s)}: ${numbers.replace(/, window \d+/, "")}` : labelOf(s);
    text(middle, y - 3, label, 'class="label" text-anchor="middle"');
    if (!low) text(middle, y + slope + 14, numbers, 'class="numbers" text-anchor="middle"');
    text(14, y + 4, `${((s.timeUs - ladder.startUs) / 1000).toFixed(1)} ms`, 'class="numbers"');
    for (const i of [0, 1] as const) if (now[i] !== states[i]) state(i, y + (i === s.from ? 0 : slope) + 4, now[i]);
    states = now;
  });
  const rest = ladder.lines.length - most;
  if (rest > 0) text(middle, height - 8, `… and ${rest} more segments`, 'class="numbers" text-anchor="middle"');
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 ${above} ${width} ${height - above}" width="${width}" `
      + `height="${height - above}" role="img" `
      + `aria-label="${escape(ladder.title)}"><style>${STYLE}</style>`
    + `<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" `
    + `orient="auto"><path d="M0 0L10 5L0 10z"/></marker></defs>${out.join("")}</svg>\n`
  );
}
