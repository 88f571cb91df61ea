/// <reference lib="dom" />
/**
 * The table of plugins.
 *
 * @module
 */
import type { Status } from "../operator.ts";
import { pluginRows } from "../plugin_rows.ts";
import { byId, make, setText, within } from "./dom.ts";
import { say } from "./language.ts";

/** Shows the latest status; hidden if there are no plugins. */
export function drawPlugins(status: Status): void {
  const rows = pluginRows(status, say);
  byId("plugins-panel", HTMLElement).hidden = rows.length === 0;
  const table = byId("plugins", HTMLTableElement);
  const body = within(table, "tbody", HTMLTableSectionElement);
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach(({ name, server, state, tone, restarts, lastEnd }, i) => {
    const row = body.rows[i] ?? body.appendChild(newRow());
    const texts = [name, server, state, restarts, lastEnd];
    texts.forEach((text, j) => setText(row.cells[j]!, text));
    row.cells[2]!.dataset.tone = tone;
  });
}

function newRow(): HTMLTableRowElement {
  const classes = ["", "", "", "number", ""];
  return make("tr", "", ...classes.map((name) => make("td", name)));
}
