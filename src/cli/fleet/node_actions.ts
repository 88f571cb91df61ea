/**
 * The actions on the servers of a fleet: show, drain, restore, remove.
 *
 * @module
 */
import { formatAgo, formatMs, formatRate } from "../../admin/units.ts";
import { systemClock } from "../../clock.ts";
import { badValue, type ConfigError } from "../../errors.ts";
import { NODE_BEAT_MS, NODE_LOST_MS } from "../../limits.ts";
import { type NodeView, viewNodes } from "../../service/fleet/node_state.ts";
import { readSeconds, SECONDS_EXPECTED } from "../config/values.ts";
import { usage } from "../options/getopt.ts";
import { print } from "../output.ts";
import { textTable } from "../text_table.ts";
import { printable } from "../top/terminal_text.ts";
import { type Drained, waitUntilDrained } from "./drain_wait.ts";
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
 * Drains a node. With `--wait`, waits until it has no connections.
 *
 * @returns False if connections are left at the end of the wait.
 * @throws {ConfigError} When the node does not exist.
 */
export async function drainNode(
  { admin, args }: OpenFleet,
  node: string,
): Promise<boolean> {
  const given = args.last("wait");
  const waitMs = given === undefined ? 0 : readSeconds(given, 1);
  if (waitMs === undefined) throw usage(`--wait: expected ${SECONDS_EXPECTED}`);
  if (!await admin.setDraining(node, true)) throw noNode();
  await print(
    `${node}: /readyz answers 503 ${WITHIN}, and lists of servers omit it; ` +
      `open connections continue. umbra fleet restore ${node} undoes this\n`,
  );
  if (given === undefined) return true;
  const drained = await waitUntilDrained({
    ...{ node, waitMs, clock: systemClock },
    list: () => admin.nodes(),
  });
  await print(`${node}: ${describeDrained(drained, { node, given })}\n`);
  return drained.kind === "empty" || drained.kind === "ended";
}

function describeDrained(
  drained: Drained,
  { node, given }: { readonly node: string; readonly given: string },
): string {
  switch (drained.kind) {
    case "empty":
      return "no connection is open";
    case "ended":
      return "the server has ended";
    case "late":
      return `connections in its last heartbeat, after ${given} s: ` +
        drained.connections;
    case "lost":
      return `lost, with ${drained.connections} connections in its last ` +
        `heartbeat; if it does not come back: umbra fleet remove ${node}`;
  }
}

/**
 * Restores a drained node.
 *
 * @throws {ConfigError} When the node does not exist.
 */
export async function restoreNode(
  { admin }: OpenFleet,
  node: string,
): Promise<void> {
  if (!await admin.setDraining(node, false)) throw noNode();
  await print(`${node}: accepts new clients again ${WITHIN}\n`);
}

/**
 * Removes a node that will not come back.
 *
 * @throws {ConfigError} When the node does not exist, or still runs.
 */
export async function removeNode(
  { admin }: OpenFleet,
  node: string,
): Promise<void> {
  const users = await admin.removeNode(node);
  if (users === "unknown") throw noNode();
  if (users === "alive") {
    throw badValue(
      `${node} sent a heartbeat in the last ${NODE_LOST_MS / 1_000} s: stop ` +
        `the server first; umbra fleet drain ${node} --wait SECONDS lets its ` +
        "connections end",
    );
  }
  await print(`${node}: removed; users that it had served: ${users}\n`);
}

/** The time in which a node learns of a change. */
const WITHIN = `within ${NODE_BEAT_MS / 1_000} s`;

function noNode(): ConfigError {
  return badValue(
    "The fleet has no node of that name; `umbra fleet status` shows all",
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
  const count = (wanted: NodeView["state"]): number =>
    nodes.filter(({ state }) => state === wanted).length;
  return `${textTable(rows)}\n${count("up")} up, ` +
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
