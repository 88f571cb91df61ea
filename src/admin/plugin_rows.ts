/**
 * Plugins as rows of text, for the dashboard and `umbra top`.
 *
 * @module
 */
import type { PluginState, PluginStatus } from "../service/plugin/plugin.ts";
import type { Status } from "./operator.ts";
import { inEnglish, type Say } from "./texts/say.ts";
import { formatCount, formatDuration } from "./units.ts";
import type { UpstreamTone } from "./upstream_rows.ts";

/** One plugin. */
export interface PluginRow {
  readonly name: string;
  readonly server: string;
  /** The state in one or two words, with its duration. */
  readonly state: string;
  readonly tone: UpstreamTone;
  readonly restarts: string;
  /**
   * The last end of the plugin and its last line of output; empty if it has not
   * ended.
   */
  readonly lastEnd: string;
}

/** Returns the rows, in the order of the status. */
export function pluginRows(
  { plugins = [], nowUnixMs }: Status,
  say: Say = inEnglish,
): PluginRow[] {
  return plugins.map((one) => ({
    name: one.name,
    server: one.server,
    state: stateText(one, nowUnixMs, say),
    tone: TONES[one.state],
    restarts: formatCount(one.restarts),
    lastEnd: [one.lastEnd, one.lastWords].filter((text) => text !== undefined)
      .join(": "),
  }));
}

const TONES: Readonly<Record<PluginState, UpstreamTone>> = {
  starting: "warn",
  ready: "good",
  waiting: "bad",
  stopped: "off",
};

function stateText(
  { state, sinceUnixMs, nextStartUnixMs = 0 }: PluginStatus,
  nowUnixMs: number,
  say: Say,
): string {
  const lasting = (ms: number): string => formatDuration(Math.max(0, ms), say);
  switch (state) {
    case "ready":
      return say("plugin-runs", { time: lasting(nowUnixMs - sinceUnixMs) });
    case "waiting":
      return say("plugin-waiting", {
        time: lasting(nextStartUnixMs - nowUnixMs),
      });
    default:
      return say(STATES[state]);
  }
}

const STATES = {
  starting: "plugin-starting",
  stopped: "plugin-stopped",
} as const;
