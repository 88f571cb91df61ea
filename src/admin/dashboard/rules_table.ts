/// <reference lib="dom" />
/**
 * The lists of rules of a local.
 *
 * @module
 */
import type { RuleSetStatus, Status } from "../operator.ts";
import { formatAgo, formatBytes, formatCount } from "../units.ts";
import { byId, drawRows, makeRow } from "./dom.ts";
import { say } from "./language.ts";

/** Shows the latest status; hidden if there are no rules. */
export function drawRules({ ruleSets, nowUnixMs }: Status): void {
  byId("rules-panel", HTMLElement).hidden = ruleSets === undefined;
  const lists = ruleSets ?? [];
  byId("rules", HTMLTableElement).hidden = lists.length === 0;
  byId("rules-empty", HTMLElement).hidden = lists.length > 0;
  const rows = lists.map((list) => {
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
    return { texts, tones: { 5: isStale ? "warn" : "" } };
  });
  drawRows("rules", newRow, rows);
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
  return makeRow(["", "", "number", "number", "number", "number"]);
}
