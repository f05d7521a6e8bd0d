/** Line plots as SVG files. */
import { scaleLinear, type ScaleLinear } from "d3-scale";
import { line } from "d3-shape";

export interface Series {
  name: string;
  points: [number, number][];
}

export interface Axis {
  name: string;
  min?: number;
  max?: number;
}

const WIDTH = 900, HEIGHT = 480, LEFT = 64, RIGHT = WIDTH - 24, TOP = 84, BOTTOM = HEIGHT - 56;
const LEGEND_Y = 56, TEXT = 12, WIDE = 7.2, GAP = 40;
/** Okabe and Ito's colours, which the colour-blind tell apart. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

/** Series with the same points are one line, with all their names: the last one would hide the others. */
function distinct(series: Series[]): Series[] {
  const lines = new Map<string, Series>();
  for (const { name, points } of series) {
    const key = JSON.stringify(points), same = lines.get(key);
    lines.set(key, same === undefined ? { name, points } : { name: `${same.name}, ${name}`, points });
  }
  return [...lines.values()];
}

const escaped = (text: string): string =>
  text.replace(/[&<>]/g, (c) => (c === "&" ? "&amp;" : c === "<" ? "&lt;" : "&gt;"));

const tenths = (v: number): number => Math.round(v * 10) / 10;

const text = (x: number, y: number, what: string, more = ""): string =>
  `<text x="${x}" y="${y}"${more}>${escaped(what)}</text>`;

/** From what is asked for, or from 0, to the greatest value, rounded up. */
function scale(axis: Axis, values: number[], from: number, to: number): ScaleLinear<number, number> {
  const least = axis.min ?? Math.min(0, ...values), most = axis.max ?? Math.max(...values, least + Number.MIN_VALUE);
  const made = scaleLinear([least, most === least ? least + 1 : most], [from, to]);
  return axis.max === undefined ? made.nice() : made;
}

function axes(x: ScaleLinear<number, number>, y: ScaleLinear<number, number>, names: [string, string]): string[] {
  const middle = ' text-anchor="middle"', end = ' text-anchor="end"';
  const xText = x.tickFormat(), yText = y.tickFormat();
  return [
    ...y.ticks(6).map((v) => `<path stroke="#dddddd" d="M${LEFT},${tenths(y(v))}H${RIGHT}"/>`),
    ...y.ticks(6).map((v) => text(LEFT - 8, tenths(y(v)) + 4, yText(v), end)),
    `<path stroke="#666666" d="M${LEFT},${BOTTOM}H${RIGHT}"/>`,
    ...x.ticks().map((v) => text(tenths(x(v)), BOTTOM + 18, xText(v), middle)),
    text((LEFT + RIGHT) / 2, BOTTOM + 40, names[0], middle),
    text(0, 0, names[1], `${middle} transform="translate(16 ${(TOP + BOTTOM) / 2}) rotate(-90)"`),
  ];
}

/** The names in the middle, each behind a piece of its line. */
function legend(names: string[]): string[] {
  const widths = names.map((n) => n.length * WIDE + GAP);
  let x = (WIDTH - widths.reduce((sum, w) => sum + w, 0)) / 2;
  return names.flatMap((name, i) => {
    const at = x;
    x += widths[i]!;
    return [
      `<path stroke="${COLOURS[i % COLOURS.length]}" stroke-width="2" d="M${at},${LEGEND_Y - 4}h20"/>`,
      text(at + 26, LEGEND_Y, name),
    ];
  });
}

/** An SVG picture of the series, 900 × 480. */
export function plotSvg(title: string, xAxis: Axis, yAxis: Axis, series: Series[]): string {
  const lines = distinct(series), all = lines.flatMap((s) => s.points);
  const x = scale(xAxis, all.map(([v]) => v), LEFT, RIGHT), y = scale(yAxis, all.map(([, v]) => v), BOTTOM, TOP);
  const path = line().x(([v]) => tenths(x(v))).y(([, v]) => tenths(y(v)));
  const drawn = lines.flatMap(({ points }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    return [
      `<path fill="none" stroke="${colour}" stroke-width="2" d="${path(points) ?? ""}"/>`,
      ...points.map(([a, b]) => `<circle fill="${colour}" r="2.5" cx="${tenths(x(a))}" cy="${tenths(y(b))}"/>`),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}"`
      + ` font-family="sans-serif" font-size="${TEXT}" fill="#333333">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(WIDTH / 2, 28, title, ' text-anchor="middle" font-size="18" font-weight="bold"'),
    ...legend(lines.map((s) => s.name)), ...axes(x, y, [xAxis.name, yAxis.name]), ...drawn, "</svg>",
  ].join("\n");
}
