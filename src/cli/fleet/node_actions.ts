/**
 * The actions on the servers of a fleet: show, drain, restore.
 *
 * @module
 */
import { formatAgo, formatMs, formatRate } from "../../admin/units.ts";
import { badValue } from "../../errors.ts";
import { NODE_BEAT_MS } from "../../limits.ts";
import { type NodeView, viewNodes } from "../../service/fleet/node_state.ts";
import { print } from "../output.ts";
import { printable, widthOf } from "../top/terminal_text.ts";
import type { OpenFleet } from "./open_fleet.ts";

/** Prints every node of a fleet. */
export async function showNodes({ admin, args }: OpenFleet): Promise<void> {
  const list = await admin.nodes();
  const nodes = viewNodes(list);
  const nowUnixMs = list.unixMs;
  await print(
    args.has("json")
      ? `${JSON.stringify({ nowUnixMs, nodes })}\n`
      : nodesTable(nodes, nowUnixMs),
  );
}

/**
 * Drains or restores a node.
 *
 * @throws {ConfigError} When the node does not exist.
 */
export async function drainNode(
  { admin }: OpenFleet,
  node: string,
  isDraining: boolean,
): Promise<void> {
  if (!await admin.setDraining(node, isDraining)) {
    throw badValue(
      "The fleet has no node of that name; `umbra fleet status` shows all",
    );
  }
  const within = `within ${NODE_BEAT_MS / 1_000} s`;
  await print(
    isDraining
      ? `${node}: /readyz answers 503 ${within}, and lists of servers omit it; ` +
        `open connections continue. umbra fleet restore ${node} undoes this\n`
      : `${node}: accepts new clients again ${within}\n`,
  );
}

const COLUMNS: readonly (readonly [
  title: string,
  cell: (node: NodeView, nowUnixMs: number) => string,
])[] = [
  ["NODE", ({ node }) => node],
  ["STATE", ({ state }) => state],
  ["HOST", hostsOf],
  ["VERSION", ({ version }) => version],
  ["RUNTIME", ({ runtime }) => runtime],
  ["OPEN", ({ connections }) => String(connections)],
  ["RATE", ({ bytesPerSecond }) => formatRate(bytesPerSecond, "bit")],
  ["ENGINE", ({ answerMs }) => formatMs(answerMs)],
  ["CLOCK", ({ clockOffsetMs }) => clockOf(clockOffsetMs)],
  ["SEEN", ({ heardUnixMs }, nowUnixMs) => formatAgo(heardUnixMs, nowUnixMs)],
];

/** Formats a line for each node, and their number. */
export function nodesTable(
  nodes: readonly NodeView[],
  nowUnixMs: number,
): string {
  if (nodes.length === 0) {
    return "No server has sent a heartbeat yet: start one with this fleet\n";
  }
  const rows = [
    COLUMNS.map(([title]) => title),
    ...nodes.map((node) =>
      COLUMNS.map(([, cell]) => printable(cell(node, nowUnixMs)))
    ),
  ];
  const widths = COLUMNS.map((_, i) =>
    Math.max(...rows.map((row) => widthOf(row[i]!)))
  );
  const lines = rows.map((row) =>
    row.map((cell, i) => cell + " ".repeat(widths[i]! - widthOf(cell)))
      .join("  ").trimEnd()
  );
  const count = (wanted: NodeView["state"]): number =>
    nodes.filter(({ state }) => state === wanted).length;
  return `${lines.join("\n")}\n\n${count("up")} up, ` +
    `${count("draining")} draining, ${count("lost")} lost\n`;
}

function hostsOf({ services, isSealed }: NodeView): string {
  if (isSealed) return "sealed with another key";
  return [...new Set(services.map(({ host }) => host))].join(", ");
}

/** Formats how far the clock of a node differs from the engine's. */
function clockOf(offsetMs: number): string {
  const seconds = -offsetMs / 1_000;
  return `${seconds < 0 ? "" : "+"}${seconds.toFixed(1)} s`;
}
