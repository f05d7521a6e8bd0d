/** How a connection's numbers went over time, as small pictures. */
import type { Connection } from "../lab/analyze.js";
import { make } from "./dom.js";

/** What a stack said of a connection: the client's at a step, or a live one's. Windows in bytes. */
export interface Sample { step: number; timeUs: number; cwnd: number; ssthresh: number; srttMs: number; rtoMs: number }

const WIDTH = 300, HEIGHT = 90;
/** Points of a line: more than the picture is wide are not seen. */
const POINTS_MAX = 600;

interface Line {
  colour: string;
  /** Time and value, in the order of time. */
  points: readonly [number, number][];
  /** The value at the top. */
  most: number;
}

/** Not all of them where there are many, but the last one always. */
function thinned<T>(all: readonly T[]): readonly T[] {
  const every = Math.ceil(all.length / POINTS_MAX);
  return every <= 1 ? all : all.filter((_, i) => i % every === 0 || i === all.length - 1);
}

function picture(caption: string, label: string, fromUs: number, toUs: number, lines: Line[]): HTMLElement {
  const span = Math.max(1, toUs - fromUs), box = make("div", { className: "plot" });
  const path = ({ points, most }: Line): string => thinned(points)
    .map(([us, value], i) => {
      const x = (WIDTH * (us - fromUs)) / span, y = HEIGHT - 4 - (HEIGHT - 10) * Math.min(1, value / most);
      return `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join("");
  const drawn = lines.map((l) =>
    `<path d="${path(l)}" fill="none" stroke="var(${l.colour})" stroke-width="1.6"/>`).join("");
  box.innerHTML =
    `<div class="hint" style="font-size:.75rem">${caption}</div><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="100%" `
      + `role="img" aria-label="${label}">${drawn}</svg>`;
  return box;
}

/** Windows and times as a stack itself says them; `whose` end of the connection it is. */
export function numbersPlot(samples: readonly Sample[], whose: string): HTMLElement {
  const bytes = Math.max(1, ...samples.map((s) => s.cwnd)), ms = Math.max(1, ...samples.map((s) => s.rtoMs));
  const line = (colour: string, most: number, value: (s: Sample) => number): Line =>
    ({ colour, most, points: samples.map((s) => [s.timeUs, value(s)]) });
  return picture(
    `cwnd (blue), ssthresh (orange), to ${bytes} bytes; SRTT (green), RTO (red), to ${ms.toFixed(0)} ms`,
    `Windows and times of ${whose} over time`, samples[0]!.timeUs, samples.at(-1)!.timeUs,
    [
      line("--left", bytes, (s) => s.cwnd), line("--again", bytes, (s) => Math.min(s.ssthresh, bytes)),
      line("--good", ms, (s) => s.srttMs), line("--bad", ms, (s) => s.rtoMs),
    ],
  );
}

/** How far each end had sent, and what the other had acknowledged, over time (Stevens' picture). */
export function sequencePlot({ segments }: Connection): HTMLElement {
  const points: Record<"sent" | "acked", [number, number][]>[] = [0, 1].map(() => ({ sent: [], acked: [] }));
  for (const s of segments) {
    const flags = s.tcp.flags, end = s.seq + s.tcp.len;
    points[s.from]!.sent.push([s.timeUs, end]);
    if (flags.includes("ACK") && !flags.includes("RST")) points[1 - s.from]!.acked.push([s.timeUs, s.ack]);
  }
  let most = 1;
  for (const { sent } of points) for (const [, end] of sent) most = Math.max(most, end);
  const line = (colour: string, of: [number, number][]): Line => ({ colour, most, points: of });
  return picture(
    `sent from the left (blue) and from the right (violet), acknowledged (green), to ${most} bytes`,
    `Sequence numbers over time, up to ${most}`, segments[0]!.timeUs, segments.at(-1)!.timeUs,
    [
      line("--good", points[0]!.acked), line("--good", points[1]!.acked), line("--left", points[0]!.sent),
      line("--right", points[1]!.sent),
    ],
  );
}
