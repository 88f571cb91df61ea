/// <reference lib="dom" />
/**
 * The latest requests to a local: the route of each connection, and the rule
 * that decided.
 *
 * @module
 */
import type { Status } from "../operator.ts";
import type { RecentRequest } from "../recent_requests.ts";
import { requestRows } from "../request_rows.ts";
import { byId, drawRows, makeRow, setText, within } from "./dom.ts";
import { say } from "./language.ts";

/** A live table, the newest request first. */
export class RequestsTable {
  readonly #panel = byId("requests-panel", HTMLElement);
  readonly #table = byId("requests", HTMLTableElement);
  readonly #body = within(this.#table, "tbody", HTMLTableSectionElement);
  readonly #filter = byId("requests-filter", HTMLInputElement);
  readonly #empty = byId("requests-empty", HTMLElement);
  #latest: readonly RecentRequest[] = [];

  /** Makes the table, hidden. */
  constructor() {
    this.#filter.oninput = () => this.#redraw();
  }

  /**
   * Shows the latest requests; rows under the pointer stay, so that they can be
   * read.
   */
  draw({ ruleSets }: Status, requests: readonly RecentRequest[]): void {
    this.#panel.hidden = false;
    setText(
      byId("requests-note", HTMLElement),
      ruleSets === undefined ? say("requests-no-rules") : "",
    );
    this.#latest = requests;
    const isRead = this.#body.matches(":hover") &&
      matchMedia("(hover: hover)").matches;
    if (!isRead) this.#redraw();
  }

  /** Shows why there are no requests. */
  refuse(reason: string): void {
    this.#panel.hidden = false;
    this.#filter.hidden = this.#table.hidden = true;
    this.#empty.hidden = false;
    setText(this.#empty, reason);
  }

  #redraw(): void {
    const wanted = this.#filter.value.trim().toLowerCase();
    const rows = requestRows(this.#latest, say).filter(({ words }) =>
      words.includes(wanted)
    );
    const shown = rows.map((row) => ({
      texts: [
        new Date(row.unixMs).toTimeString().slice(0, 8),
        row.target,
        row.way,
        row.why,
        row.down,
        row.up,
        row.end,
      ],
      tones: { 2: row.wayTone, 6: row.endTone },
      titles: { 1: row.client },
    }));
    drawRows("requests", newRow, shown);
    this.#table.hidden = rows.length === 0;
    this.#empty.hidden = rows.length > 0;
    setText(
      this.#empty,
      say(
        this.#latest.length === 0 ? "requests-empty" : "requests-no-match",
      ),
    );
  }
}

function newRow(): HTMLTableRowElement {
  return makeRow(["", "", "", "why", "number", "number", ""]);
}
