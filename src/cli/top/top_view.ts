/**
 * The screen of `umbra top` as lines of text. No I/O.
 *
 * @module
 */
import type { History } from "../../admin/history.ts";
import type { Status } from "../../admin/operator.ts";
import { explain } from "../../admin/refusals.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatMs,
  formatRate,
  type RateUnit,
} from "../../admin/units.ts";
import {
  type Column,
  COLUMNS,
  rowsOf,
  sortRows,
  type UserRow,
} from "../../admin/user_rows.ts";
import { inEnglish } from "../../admin/texts/say.ts";
import { pluginRows } from "../../admin/plugin_rows.ts";
import { upstreamRows } from "../../admin/upstream_rows.ts";
import { fitText, printable, widthOf } from "./terminal_text.ts";

/** The state of the display. */
export interface TopView {
  /** Columns of a line; `Infinity` for no limit. */
  readonly width: number;
  /** Number of lines; `Infinity` for a text that is not scrolled. */
  readonly height: number;
  /** Column of {@link COLUMNS} by which users are sorted. */
  readonly sort: string;
  readonly unit: RateUnit;
  /** True for colours and a line about keys. */
  readonly interactive: boolean;
  /** The problem of the last request; empty if there is none. */
  readonly trouble: string;
}

/** Keys that sort, with the column of each. */
export const SORT_KEYS: Readonly<Record<string, string>> = {
  r: "rate-down",
  s: "share",
  n: "name",
  o: "open",
  l: "seen",
  e: "ends",
};

const BLOCKS = "▁▂▃▄▅▆▇█";

/** Maximum width of a curve in columns. */
const MAX_CURVE = 60;

/** Maximum width of a name in columns. */
const MAX_NAME = 24;

/** The columns that are removed first on a narrow terminal. */
const DISPENSABLE = [
  ...["ends", "hosts", "total-up", "total-down", "share", "quota", "seen"],
  ...["open", "state", "rate-up"],
];

/** Select Graphic Rendition, ECMA-48 §8.3.117. */
const SGR = {
  bold: "1",
  dim: "2",
  inverse: "7",
  good: "32",
  warn: "33",
  bad: "31",
  down: "34",
  up: "36",
} as const;

type Style = keyof typeof SGR;
type Paint = (style: Style, text: string) => string;

/** Returns the lines of the whole screen. */
export function renderTop(history: History, view: TopView): string[] {
  const paint: Paint = (style, text) =>
    view.interactive ? `\x1b[${SGR[style]}m${text}\x1b[0m` : text;
  const { status } = history;
  if (status === undefined) return [view.trouble || "Connecting"];
  const lines = [
    headLine(status, view, paint),
    "",
    rateLine("down", history, view, paint),
    rateLine("up", history, view, paint),
    ...countLines(status, view.width),
    refusalLine(status, view.width),
    ...upstreamLines(status, view.width, paint),
    ...pluginLines(status, view.width, paint),
    "",
  ];
  const footer = view.interactive ? ["", paint("dim", keyLine(view))] : [];
  const room = view.height - lines.length - footer.length;
  return [...lines, ...userLines(status, { view, paint, room })]
    .slice(0, view.height - footer.length).concat(footer);
}

function headLine(status: Status, view: TopView, paint: Paint): string {
  const { version, role, runtime, startedUnixMs, nowUnixMs, ready } = status;
  const up = formatDuration(nowUnixMs - startedUnixMs);
  const left = fitText(
    `umbra ${version}, ${role} on ${runtime}, up ${up}`,
    view.width - 12,
  );
  if (view.trouble !== "") {
    return paint("bad", fitText(view.trouble, view.width));
  }
  const state = ready ? paint("good", "ready") : paint("warn", "not ready");
  return `${paint("bold", left)}, ${state}`;
}

function rateLine(
  direction: "down" | "up",
  history: History,
  view: TopView,
  paint: Paint,
): string {
  const text = formatRate(history.rate[direction], view.unit);
  const head = `${direction.padEnd(5)}${text.padStart(12)}`;
  if (!view.interactive) return head;
  const length = Math.min(MAX_CURVE, view.width - head.length - 2);
  const values = history.samples.slice(-length).map(({ rate }) =>
    rate === null ? null : rate[direction]
  );
  return `${head}  ${paint(direction, curve(values))}`;
}

/** Draws one block for each value, and a blank for an unknown value. */
export function curve(values: readonly (number | null)[]): string {
  const max = Math.max(...values.map(Number), 1);
  return values.map((value) =>
    value === null
      ? " "
      : BLOCKS[Math.ceil(value / max * BLOCKS.length) - 1] ?? BLOCKS[0]
  ).join("");
}

function countLines(status: Status, width: number): string[] {
  const { connections, associations, dialMs, descriptors, crypto } = status;
  const { lostDatagrams } = status;
  const { total, connected } = status.users;
  const first = [
    `connections ${formatCount(connections.open)} of ${
      formatCount(connections.limit)
    }`,
    `UDP ${formatCount(associations.open)}`,
    ...lostDatagrams === 0
      ? []
      : [`lost ${formatCount(lostDatagrams)} datagrams`],
    ...total > 0
      ? [`users ${formatCount(connected)} of ${formatCount(total)}`]
      : [],
    dialMs.count === 0
      ? "dial –"
      : `dial ${formatMs(dialMs.p50)}, 90 % ${formatMs(dialMs.p90)}`,
    `lag ${formatMs(status.eventLoopLagMs)}`,
  ];
  const second = [
    `memory ${formatBytes(status.residentBytes)}`,
    ...descriptors
      ? [
        `descriptors ${formatCount(descriptors.open)} of ${
          formatCount(descriptors.limit)
        }`,
      ]
      : [],
    ...crypto.map(({ method, provider }) => `${method}: ${provider}`),
  ];
  return [first, second].map((parts) =>
    fitText(parts.map(printable).join("   "), width)
  );
}

function refusalLine({ recentRefusals }: Status, width: number): string {
  const recent = Object.entries(recentRefusals).sort(([, a], [, b]) => b - a);
  if (recent.length === 0) return "nothing refused in the last minute";
  const reasons = recent.map(([code, count]) =>
    `${printable(explain(code).title)} ${formatCount(count)}`
  );
  return fitText(
    `refused in the last minute: ${reasons.join(" · ")}`,
    width,
  );
}

/** Returns one line for each server of a local. */
function upstreamLines(
  { upstreams = [], nowUnixMs }: Status,
  width: number,
  paint: Paint,
): string[] {
  const rows = upstreamRows(upstreams, nowUnixMs);
  const longest = Math.min(
    MAX_NAME,
    Math.max(0, ...rows.map(({ name }) => widthOf(printable(name)))),
  );
  return rows.map((row) => {
    const name = fitText(printable(row.name), longest);
    const text = fitText(
      [
        name + " ".repeat(longest - widthOf(name)),
        row.role.padEnd(6),
        `TCP ${row.tcp}`,
        `UDP ${row.udp}`,
        `share ${row.share}`,
        `connect ${row.time}`,
        `open ${row.open}`,
        ...row.failure === "" ? [] : [`last failure: ${row.failure}`],
      ].join("  "),
      width,
    );
    return row.tcpTone === "good" ? text : paint(STYLES[row.tcpTone], text);
  });
}

/** Returns one line for each plugin. */
function pluginLines(status: Status, width: number, paint: Paint): string[] {
  return pluginRows(status).map(
    ({ name, server, state, tone, restarts, lastEnd }) => {
      const text = fitText(
        [
          `plugin ${printable(name)} of ${printable(server)}`,
          state,
          ...restarts === "0" ? [] : [`restarts ${restarts}`],
          ...lastEnd === "" ? [] : [`last end: ${printable(lastEnd)}`],
        ].join("  "),
        width,
      );
      return tone === "good" ? text : paint(STYLES[tone], text);
    },
  );
}

const STYLES = { warn: "warn", bad: "bad", off: "dim" } as const;

function userLines(
  status: Status,
  { view, paint, room }: {
    readonly view: TopView;
    readonly paint: Paint;
    readonly room: number;
  },
): string[] {
  const sort = COLUMNS.find(({ id }) => id === view.sort)!;
  const all = rowsOf(status);
  if (all.length === 0) {
    return [fitText("no users with names of their own", view.width)];
  }
  const rows = sortRows(all, sort, sort.number === true);
  const shown = rows.length < room
    ? rows
    : rows.slice(0, Math.max(0, room - 2));
  const now = {
    nowUnixMs: status.nowUnixMs,
    unit: view.unit,
    say: inEnglish,
  };
  const table = shown.map((row) =>
    COLUMNS.map((column) => fitText(printable(column.text(row, now)), MAX_NAME))
  );
  const widths = COLUMNS.map((column, i) =>
    Math.max(
      widthOf(inEnglish(column.title)),
      ...table.map((cells) => widthOf(cells[i]!)),
    )
  );
  const columns = fitColumns(widths, view.width);
  const line = (cells: readonly string[]): string =>
    columns.map((i) => pad(cells[i]!, widths[i]!, COLUMNS[i]!)).join("  ");
  const head = line(COLUMNS.map(({ title }) => inEnglish(title)));
  const hidden = status.users.total - shown.length;
  return [
    paint("inverse", view.interactive ? head.padEnd(view.width) : head),
    ...table.map((cells, i) => paintRow(line(cells), shown[i]!, paint)),
    ...hidden > 0 ? [paint("dim", `and ${formatCount(hidden)} more`)] : [],
  ];
}

/** Returns the indices of the columns that fit. */
function fitColumns(widths: readonly number[], width: number): number[] {
  let kept = COLUMNS.map((_, i) => i);
  for (const id of DISPENSABLE) {
    const needed = kept.reduce((sum, i) => sum + widths[i]! + 2, -2);
    if (needed <= width) break;
    kept = kept.filter((i) => COLUMNS[i]!.id !== id);
  }
  return kept;
}

function pad(text: string, width: number, { number }: Column): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return number ? space + text : text + space;
}

function paintRow(text: string, { state }: UserRow, paint: Paint): string {
  switch (state) {
    case "connected":
      return text;
    case "expired":
    case "over quota":
      return paint("bad", text);
    default:
      return paint("dim", text);
  }
}

function keyLine({ sort, unit, width }: TopView): string {
  const sorts = Object.entries(SORT_KEYS).map(([key, id]) => {
    const { title: about } = COLUMNS.find((column) => column.id === id)!;
    const title = inEnglish(about);
    return `${key} ${title.toLowerCase()}${id === sort ? "*" : ""}`;
  });
  return fitText(
    ["q quit", ...sorts, `b ${unit === "bit" ? "bytes" : "bits"}`].join("  "),
    width,
  );
}
