/// <reference lib="dom" />
/**
 * The lists of rules of a local.
 *
 * @module
 */
import type { RuleSetStatus, Status } from "../operator.ts";
import { formatAgo, formatBytes, formatCount } from "../units.ts";
import { byId, make, setText, within } from "./dom.ts";
import { say } from "./language.ts";

/** Shows the latest status; hidden if there are no rules. */
export function drawRules({ ruleSets, nowUnixMs }: Status): void {
  byId("rules-panel", HTMLElement).hidden = ruleSets === undefined;
  const table = byId("rules", HTMLTableElement);
  const body = within(table, "tbody", HTMLTableSectionElement);
  const lists = ruleSets ?? [];
  table.hidden = lists.length === 0;
  byId("rules-empty", HTMLElement).hidden = lists.length > 0;
  while (body.rows.length > lists.length) body.deleteRow(-1);
  lists.forEach((list, i) => {
    const row = body.rows[i] ?? body.appendChild(newRow());
    const { name, source, rules, bytes, changedUnixMs, isStale } = list;
    const texts = [
      name,
      source,
      rules === undefined ? "–" : formatCount(rules),
      formatBytes(bytes),
      changedUnixMs === undefined
        ? "–"
        : formatAgo(changedUnixMs, nowUnixMs, say),
      lookedText(list, nowUnixMs),
    ];
    texts.forEach((text, j) => setText(row.cells[j]!, text));
    row.cells[5]!.dataset.tone = isStale ? "warn" : "";
  });
}

function lookedText(
  { lookedUnixMs, isStale }: RuleSetStatus,
  nowUnixMs: number,
): string {
  const time = lookedUnixMs === undefined
    ? "–"
    : formatAgo(lookedUnixMs, nowUnixMs, say);
  return isStale ? say("rules-stale", { time }) : time;
}

function newRow(): HTMLTableRowElement {
  const classes = ["", "", "number", "number", "number", "number"];
  return make("tr", "", ...classes.map((name) => make("td", name)));
}
