/**
 * The nodes of a fleet as rows of text, for the dashboard.
 *
 * @module
 */
import type { NodeView } from "../service/fleet/node_state.ts";
import type { FleetView } from "./fleet_api.ts";
import { inEnglish, type Say, type TextKey } from "./texts/say.ts";
import {
  formatAgo,
  formatCount,
  formatMs,
  formatRate,
  type RateUnit,
} from "./units.ts";
import type { UpstreamTone } from "./upstream_rows.ts";

/** The row of one node. */
export interface NodeRow {
  readonly name: string;
  readonly state: string;
  readonly tone: UpstreamTone;
  /** Names or addresses that clients use. */
  readonly hosts: string;
  /** Version of Umbra, and the runtime. */
  readonly version: string;
  readonly open: string;
  readonly rate: string;
  /** Duration of the engine's last answer to the node. */
  readonly answer: string;
  /** Seconds that the node's clock is ahead of the engine's. */
  readonly clock: string;
  /** Time since the node's last heartbeat. */
  readonly heard: string;
}

const STATES: Readonly<
  Record<NodeView["state"], readonly [TextKey, UpstreamTone]>
> = {
  up: ["fleet-up", "good"],
  draining: ["fleet-draining", "warn"],
  lost: ["fleet-lost", "bad"],
};

/** Returns the rows, in the order of the view. */
export function fleetRows(
  { nodes, nowUnixMs }: FleetView,
  unit: RateUnit,
  say: Say = inEnglish,
): NodeRow[] {
  return nodes.map((node) => {
    const [state, tone] = STATES[node.state];
    return {
      name: node.node,
      state: say(state),
      tone,
      hosts: node.isSealed
        ? say("fleet-sealed")
        : [...new Set(node.services.map(({ host }) => host))].join(", "),
      version: `${node.version}, ${node.runtime}`,
      open: formatCount(node.connections),
      rate: formatRate(node.bytesPerSecond, unit),
      answer: formatMs(node.answerMs),
      clock: `${(-node.clockOffsetMs / 1_000).toFixed(1)} s`,
      heard: formatAgo(node.heardUnixMs, nowUnixMs, say),
    };
  });
}

/** Formats the state of the whole fleet as one line. */
export function fleetLine(
  { states, connections, bytesPerSecond, isCurrent }: FleetView,
  unit: RateUnit,
  say: Say = inEnglish,
): string {
  const line = say("fleet-about", {
    ...states,
    open: formatCount(connections),
    rate: formatRate(bytesPerSecond, unit),
  });
  return isCurrent ? line : `${line} – ${say("fleet-old")}`;
}
