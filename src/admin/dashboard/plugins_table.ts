/// <reference lib="dom" />
/**
 * The table of plugins.
 *
 * @module
 */
import type { Status } from "../operator.ts";
import { pluginRows } from "../plugin_rows.ts";
import { byId, drawRows, makeRow } from "./dom.ts";
import { say } from "./language.ts";

/** Shows the latest status; hidden if there are no plugins. */
export function drawPlugins(status: Status): void {
  const rows = pluginRows(status, say);
  byId("plugins-panel", HTMLElement).hidden = rows.length === 0;
  drawRows(
    "plugins",
    newRow,
    rows.map(({ name, server, state, tone, restarts, lastEnd }) => ({
      texts: [name, server, state, restarts, lastEnd],
      tones: { 2: tone },
    })),
  );
}

function newRow(): HTMLTableRowElement {
  return makeRow(["", "", "", "number", ""]);
}
