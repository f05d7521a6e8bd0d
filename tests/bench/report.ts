/** The report as one page: a plot for each work and its parameters, and the table. */
import * as echarts from "echarts";
import type { Row } from "./measure.js";

const escape = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const named = (params: Row["params"]): string =>
  Object.entries(params)
    .map(([k, v]) => `${k.replaceAll("_", " ")} ${v}`)
    .join(", ");

function plot(title: string, rows: Row[]): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 720, height: 80 + 30 * rows.length });
  const sorted = [...rows].reverse();
  chart.setOption({
    animation: false,
    grid: { left: 150, right: 90, top: 40, bottom: 30 },
    title: { text: title, textStyle: { fontSize: 14 } },
    xAxis: { type: "value", name: rows[0]!.unit },
    yAxis: { type: "category", data: sorted.map((r) => r.subject) },
    series: [
      {
        type: "bar",
        data: sorted.map((r) => ({
          value: Number(r.median.toPrecision(4)),
          itemStyle: { color: r.subject.startsWith("stint") ? "#2563eb" : "#94a3b8" },
        })),
        label: { show: true, position: "right" },
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `<figure role="img" aria-label="${escape(title)}">${svg}</figure>`;
}

export function page(
  rows: Row[], limits: Record<string, number>, configuration: Record<string, string>, verdicts: string[],
): string {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.work}${Object.keys(row.params).length > 0 ? `, ${named(row.params)}` : ""}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const list = (items: string[]): string => `<ul>${items.map((i) => `<li>${escape(i)}</li>`).join("")}</ul>`;
  const entries = <T>(of: Record<string, T>, one: (key: string, value: T) => string): string[] =>
    Object.entries(of).map(([k, v]) => one(k, v));
  const cells = (r: Row): string[] => [
    r.work, escape(r.subject), escape(named(r.params)), `${r.median.toPrecision(4)} ${r.unit}`,
    `${(100 * r.spread).toFixed(0)} %`, entries(r.ratios, (k, v) => `${v.toFixed(2)} × ${escape(k)}`).join(", "),
  ];
  const plots = [...groups].filter(([, r]) => r.length > 1).map(([title, r]) => plot(title, r));
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>stint: bench</title>
<style>
body{font:15px/1.5 system-ui;max-width:960px;margin:2em auto;padding:0 1em}
table{border-collapse:collapse}
td,th{padding:.2em .6em;border-bottom:1px solid #ddd;text-align:left}
figure{margin:1em 0}
</style>
<h1>stint: bench</h1>
${list(entries(configuration, (k, v) => `${k}: ${v}`))}
${list(entries(limits, (k, v) => `${k.replaceAll("_", " ")}: ${v.toFixed(2)}`))}
<h2>Aims</h2>${list(verdicts)}<h2>Plots</h2>${plots.join("\n")}
<h2>Table</h2><table><tr><th>work<th>subject<th>parameters<th>median<th>spread<th>ratios</tr>
${rows.map((r) => `<tr>${cells(r).map((cell) => `<td>${cell}`).join("")}</tr>`).join("\n")}
</table></html>
`;
}
