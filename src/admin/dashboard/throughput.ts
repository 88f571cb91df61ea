/// <reference lib="dom" />
/**
 * The plot of throughput: down above the line, up below it.
 *
 * @module
 */
import uPlot from "uplot";
import type { Minute } from "../../minutes.ts";
import { type NoMinute, withHoles } from "../day_history.ts";
import type { History } from "../history.ts";
import { explain } from "../refusals.ts";
import { formatCount, formatRate } from "../units.ts";
import { getHistory } from "./api.ts";
import { colour } from "./colours.ts";
import { byId, setText } from "./dom.ts";
import { say } from "./language.ts";
import { onChange, unit } from "./preferences.ts";

/**
 * Minimum of the scale in bits or bytes a second, so that little traffic is
 * flat.
 */
const MIN_SCALE = 8_000;

/** Minimum height of the lower half, as a share of the upper half. */
const MIN_BELOW = 0.2;

/** Distances of grid lines in bytes: powers of two. */
const BINARY_STEPS = Array.from({ length: 48 }, (_, i) => 2 ** i);

/** Seconds of a minute, and of the longest window. */
const MINUTE_S = 60;
const DAY_S = 1_440 * MINUTE_S;

/** Plots {@link History.rate} over time. */
export class ThroughputPlot {
  readonly #history: History;
  readonly #box = byId("plot", HTMLElement);
  readonly #choice = byId("window", HTMLFieldSetElement);
  #plot: uPlot;
  #minutes: readonly (Minute | NoMinute)[] = [];
  #askedMs = 0;

  /** Makes the plot, empty. */
  constructor(history: History) {
    this.#history = history;
    this.#plot = this.#create();
    new ResizeObserver(() => this.#plot.setSize(this.#size())).observe(
      this.#box,
    );
    this.#choice.onchange = () => this.draw();
    onChange(() => {
      // The grid steps of a plot cannot be changed, so a new plot is made.
      this.#plot.destroy();
      this.#plot = this.#create();
      this.draw();
    });
  }

  /** Shows the latest samples. */
  draw(): void {
    if (this.#seconds() === DAY_S) return this.#drawDay();
    const factor = unit() === "bit" ? 8 : 1;
    const { samples } = this.#history;
    const end = (samples.at(-1)?.unixMs ?? 0) / 1_000;
    const shown = samples.filter(({ unixMs }) =>
      unixMs / 1_000 >= end - this.#seconds() - 1
    );
    this.#plot.setData([
      shown.map(({ unixMs }) => unixMs / 1_000),
      shown.map(({ rate }) => rate && rate.down * factor),
      shown.map(({ rate }) => rate && -rate.up * factor),
    ]);
    this.#describe();
  }

  /** Shows the last day, which is fetched once a minute. */
  #drawDay(): void {
    const nowMs = Date.now();
    if (nowMs - this.#askedMs >= MINUTE_S * 1_000) {
      this.#askedMs = nowMs;
      getHistory().then((minutes) => {
        this.#minutes = withHoles(minutes);
        this.draw();
      }).catch(() => {
        // The page itself reports that there is no answer.
        this.#askedMs = 0;
      });
    }
    const factor = (unit() === "bit" ? 8 : 1) / MINUTE_S;
    const minutes = this.#minutes;
    this.#plot.setData([
      minutes.map(({ unixMs }) => unixMs / 1_000),
      minutes.map(({ bytesDown }) => bytesDown && bytesDown * factor),
      minutes.map(({ bytesUp }) => bytesUp && -bytesUp * factor),
    ]);
    this.#describe();
  }

  #create(): uPlot {
    const line = {
      width: 1.5,
      fillTo: () => 0,
      points: { show: false },
    };
    const grid = { stroke: () => colour("--line"), width: 1 };
    const axis = {
      stroke: () => colour("--quiet"),
      font: `11px ${getComputedStyle(document.body).fontFamily}`,
      grid,
      ticks: { show: false },
    };
    return new uPlot(
      {
        ...this.#size(),
        legend: { show: false },
        padding: [8, 8, 0, 0],
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
        scales: {
          x: {
            range: (_, __, max) => [(max ?? 0) - this.#seconds(), max ?? 0],
          },
          y: { range: (_, min, max) => rangeOf(min ?? 0, max ?? 0) },
        },
        series: [
          {},
          {
            ...line,
            stroke: () => colour("--down"),
            fill: () => colour("--down", 0.14),
          },
          {
            ...line,
            stroke: () => colour("--up"),
            fill: () => colour("--up", 0.14),
          },
        ],
        axes: [
          {
            ...axis,
            grid: { show: false },
            space: 70,
            size: 28,
            values: (_, seconds) =>
              seconds.map((one) => clockTime(one, this.#seconds() === DAY_S)),
          },
          {
            ...axis,
            size: 82,
            space: 34,
            ...(unit() === "byte" && { incrs: BINARY_STEPS }),
            values: (_, values) => values.map(tick),
          },
        ],
        hooks: { draw: [drawZero], setCursor: [() => this.#describe()] },
      },
      [[], [], []],
      this.#box,
    );
  }

  #size(): { width: number; height: number } {
    const style = getComputedStyle(this.#box);
    const padding = (side: string): number =>
      parseFloat(style.getPropertyValue(`padding-${side}`));
    return {
      width: this.#box.clientWidth - padding("left") - padding("right"),
      height: this.#box.clientHeight - padding("top") - padding("bottom"),
    };
  }

  /**
   * Describes the refusals of a minute of the day, in addition to the traffic.
   */
  #describeRefusals(at: number | undefined): void {
    const isDay = this.#seconds() === DAY_S;
    const minute = isDay
      ? this.#minutes[at ?? this.#minutes.length - 1]
      : undefined;
    setText(
      byId("at-refused", HTMLElement),
      minute !== undefined && "refusals" in minute
        ? refusedText(minute)
        : isDay
        ? say("minute-first")
        : "",
    );
  }

  #seconds(): number {
    const chosen = this.#choice.querySelector<HTMLInputElement>(":checked");
    return Number(chosen?.value ?? 3) * 60;
  }

  /**
   * Describes the numbers under the cursor; without a cursor, the present
   * numbers.
   */
  #describe(): void {
    // uPlot also calls back during construction.
    const plot = this.#plot as uPlot | undefined;
    const [times = [], downs = [], ups = []] = plot?.data ?? [];
    const at = plot?.cursor.idx ?? undefined;
    const index = at ?? times.length - 1;
    const show = (id: string, value: number | null = null): void =>
      setText(byId(id, HTMLOutputElement), value === null ? "–" : rate(value));
    show("at-down", downs[index]);
    show("at-up", ups[index]);
    const time = at === undefined ? undefined : times[at];
    setText(
      byId("at-time", HTMLOutputElement),
      time === undefined ? "" : clockTime(time),
    );
    this.#describeRefusals(at);
    const peak = Math.max(0, ...[...downs].map(Number));
    this.#box.ariaLabel = say("plot-label", {
      rate: rate(peak),
      minutes: this.#seconds() / 60,
    });
  }
}

/** Returns the refusals of a minute, the most frequent first. */
function refusedText({ open, refusals }: Minute): string {
  const entries = Object.entries(refusals).sort(([, a], [, b]) => b - a);
  const reasons = entries.map(([code, count]) =>
    `${explain(code, say).title} ${formatCount(count)}`
  );
  return [
    say("minute-open", { count: formatCount(open) }),
    reasons.length === 0
      ? say("minute-nothing")
      : say("minute-refused", { reasons: reasons.join(", ") }),
  ].join("; ");
}

function rangeOf(min: number, max: number): [number, number] {
  const above = Math.max(max * 1.1, -min * 0.5, MIN_SCALE);
  return [Math.min(min * 1.1, -above * MIN_BELOW), above];
}

function drawZero(plot: uPlot): void {
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(0, "y", true)) + 0.5;
  ctx.save();
  ctx.strokeStyle = colour("--edge");
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

/** Formats a plotted value: bits or bytes, negative below the line. */
function rate(value: number): string {
  const amount = Math.abs(value);
  return formatRate(unit() === "bit" ? amount / 8 : amount, unit());
}

/** Formats a grid value: `20 Mbit/s` instead of `20.0 Mbit/s`. */
function tick(value: number): string {
  return value === 0 ? "0" : rate(value).replace(/(\.\d*?)0+ /, "$1 ")
    .replace(". ", " ");
}

/** @param isRough True to leave the seconds out. */
function clockTime(unixSeconds: number, isRough = false): string {
  const date = new Date(unixSeconds * 1_000);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .slice(0, isRough ? 2 : 3)
    .map((part) => String(part).padStart(2, "0")).join(":");
}
