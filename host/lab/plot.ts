/** Line plots as SVG files. */
import { LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

export interface Series {
  name: string;
  points: [number, number][];
}

export interface Axis {
  name: string;
  min?: number;
  max?: number;
}

/** Series with the same points are one line, with all their names: the last one would hide the others. */
function distinct(series: Series[]): Series[] {
  const lines = new Map<string, Series>();
  for (const { name, points } of series) {
    const key = JSON.stringify(points), same = lines.get(key);
    lines.set(key, same === undefined ? { name, points } : { name: `${same.name}, ${name}`, points });
  }
  return [...lines.values()];
}

/** An SVG picture of the series, 900 × 480. */
export function plotSvg(title: string, x: Axis, y: Axis, series: Series[]): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: 900, height: 480 });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: { text: title, left: "center", top: 8 },
    legend: { top: 44 },
    grid: { left: 64, right: 24, top: 84, bottom: 56 },
    xAxis: { type: "value", nameLocation: "middle", nameGap: 32, ...x },
    yAxis: { type: "value", nameLocation: "middle", nameGap: 44, ...y },
    series: distinct(series).map(({ name, points }) => ({ name, type: "line", data: points, symbolSize: 5 })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
