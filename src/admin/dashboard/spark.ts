/// <reference lib="dom" />
/**
 * A small plot without axes.
 *
 * @module
 */
import uPlot from "uplot";
import type { History, Sample } from "../history.ts";
import { colour } from "./colours.ts";
import { byId } from "./dom.ts";
import { onChange } from "./preferences.ts";

/** Time span of the plot in milliseconds. */
const WINDOW_MS = 180_000;

/**
 * Plots one number of every sample.
 *
 * @param floor Minimum of the scale, so that a small value is a low line.
 * @returns A function that draws the latest samples.
 */
export function spark(
  id: string,
  history: History,
  valueOf: (sample: Sample) => number | null,
  floor: number,
): () => void {
  const box = byId(id, HTMLElement);
  const size = (): { width: number; height: number } => ({
    width: box.clientWidth,
    height: box.clientHeight,
  });
  const plot = new uPlot(
    {
      ...size(),
      legend: { show: false },
      cursor: { show: false },
      padding: [2, 0, 2, 0],
      scales: {
        x: { range: (_, __, max) => [(max ?? 0) - WINDOW_MS, max ?? 0] },
        y: { range: (_, __, max) => [0, Math.max(max ?? 0, floor) * 1.1] },
      },
      axes: [{ show: false }, { show: false }],
      series: [{}, {
        stroke: () => colour("--quiet"),
        fill: () => colour("--quiet", 0.07),
        width: 1.25,
        points: { show: false },
      }],
    },
    [[], []],
    box,
  );
  new ResizeObserver(() => plot.setSize(size())).observe(box);
  onChange(() => plot.redraw());
  return () => {
    const { samples } = history;
    const from = (samples.at(-1)?.unixMs ?? 0) - WINDOW_MS;
    const shown = samples.filter(({ unixMs }) => unixMs >= from);
    plot.setData([shown.map(({ unixMs }) => unixMs), shown.map(valueOf)]);
  };
}
