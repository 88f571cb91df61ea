/// <reference lib="dom" />
/**
 * The table of users. A thousand of them are drawn once a second, so nothing
 * is touched that has not changed.
 *
 * @module
 */
import type { History } from "../history.ts";
import type { Status } from "../operator.ts";
import { formatCount } from "../units.ts";
import { byId, make, setText, within } from "./dom.ts";
import { onChange, unit } from "./preferences.ts";
import {
  type Column,
  COLUMNS,
  rowsOf,
  sortRows,
  type UserRow,
  type View,
} from "../user_rows.ts";

/** Rows that are drawn unless more are asked for. */
const FIRST_ROWS = 100;

/** Part of a quota from which on it is worth a look. */
const QUOTA_WARNING = 0.9;

/** One row of the table, and what can change in it. */
interface DrawnRow {
  readonly tr: HTMLTableRowElement;
  readonly cells: readonly HTMLTableCellElement[];
  /** Where the text of each cell stands. */
  readonly texts: readonly Node[];
}

/** Sorts, filters and draws. */
export class UsersTable {
  readonly #history: History;
  readonly #open: (row: UserRow) => void;
  readonly #table = byId("users", HTMLTableElement);
  readonly #body = within(this.#table, "tbody", HTMLTableSectionElement);
  readonly #filter = byId("filter", HTMLInputElement);
  readonly #state = byId("filter-state", HTMLSelectElement);
  readonly #more = byId("users-more", HTMLButtonElement);
  readonly #empty = byId("users-empty", HTMLElement);
  readonly #drawn = new Map<string, DrawnRow>();
  #rows: readonly UserRow[] = [];
  #status: Status | undefined;
  #column: Column = COLUMNS.find(({ id }) => id === "share")!;
  #descending = true;
  #all = false;

  /**
   * Makes the table, empty.
   *
   * @param open Called when somebody wants to see a user.
   */
  constructor(history: History, open: (row: UserRow) => void) {
    this.#history = history;
    this.#open = open;
    this.#makeHead();
    this.#filter.oninput = () => this.#redraw();
    this.#state.onchange = () => this.#redraw();
    this.#more.onclick = () => {
      this.#all = true;
      this.#redraw();
    };
    onChange(() => this.#redraw());
  }

  /** Shows the latest. */
  draw(status: Status): void {
    this.#status = status;
    this.#rows = rowsOf(status, this.#history);
    this.#redraw();
  }

  #redraw(): void {
    const status = this.#status;
    if (status === undefined) return;
    const found = this.#find();
    const sorted = sortRows(found, this.#column, this.#descending);
    const shown = this.#all ? sorted : sorted.slice(0, FIRST_ROWS);
    const view = { nowUnixMs: status.nowUnixMs, unit: unit() };
    this.#arrange(shown.map((row) => this.#update(row, view)));
    this.#forget();
    this.#describe(found.length, found.length - shown.length, status);
  }

  #find(): UserRow[] {
    const text = this.#filter.value.trim().toLowerCase();
    const state = this.#state.value;
    return this.#rows.filter((row) =>
      row.user.name.toLowerCase().includes(text) &&
      (state === "" || row.state === state)
    );
  }

  /** Draws what is new of a row. */
  #update(row: UserRow, view: View): HTMLTableRowElement {
    const drawn = this.#drawn.get(row.key) ?? this.#make(row);
    COLUMNS.forEach((column, i) => {
      const cell = drawn.cells[i]!;
      const text = column.text(row, view);
      setText(drawn.texts[i]!, text);
      const { classList } = cell;
      const zero = text === "–" || text === "0" || text === "0 B";
      if (classList.contains("zero") !== zero) classList.toggle("zero", zero);
      if (column.bar === undefined) return;
      const part = Math.min(1, column.bar(row)).toFixed(3);
      if (cell.style.getPropertyValue("--part") !== part) {
        cell.style.setProperty("--part", part);
      }
    });
    mark(drawn.cells[stateColumn]!.firstElementChild!, "state", row.state);
    mark(drawn.cells[quotaColumn]!, "level", levelOf(row.quota));
    return drawn.tr;
  }

  #make(row: UserRow): DrawnRow {
    const tr = make("tr", "");
    const texts: Node[] = [];
    const cells = COLUMNS.map((column) => {
      const text = document.createTextNode("");
      texts.push(text);
      const cell = make("td", classOf(column), wrap(column, text));
      tr.append(cell);
      return cell;
    });
    within(tr, "button", HTMLButtonElement).title = row.user.name;
    // Its button is for keyboards; a pointer may be anywhere in the row.
    tr.onclick = () => {
      const now = this.#rows.find(({ key }) => key === row.key);
      if (now !== undefined) this.#open(now);
    };
    const drawn = { tr, cells, texts };
    this.#drawn.set(row.key, drawn);
    return drawn;
  }

  /**
   * Puts rows in order. Not under a pointer: what somebody is about to click
   * must not run away. And the focus stays where it was.
   */
  #arrange(wanted: readonly HTMLTableRowElement[]): void {
    const there = [...this.#body.rows];
    const held = this.#body.matches(":hover") &&
      matchMedia("(hover: hover)").matches &&
      there.length === wanted.length &&
      wanted.every((row) => row.parentNode === this.#body);
    if (
      held || wanted.every((row, i) => row === there[i]) &&
        there.length === wanted.length
    ) return;
    const focused = this.#body.contains(document.activeElement)
      ? document.activeElement
      : null;
    this.#body.replaceChildren(...wanted);
    if (focused instanceof HTMLElement) focused.focus();
  }

  /** Lets go of rows whose users are gone. */
  #forget(): void {
    if (this.#drawn.size <= this.#rows.length) return;
    const keys = new Set(this.#rows.map(({ key }) => key));
    for (const key of this.#drawn.keys()) {
      if (!keys.has(key)) this.#drawn.delete(key);
    }
  }

  #describe(found: number, hidden: number, { role }: Status): void {
    const total = this.#rows.length;
    byId("users-panel", HTMLElement).hidden = role === "local" && total === 0;
    this.#filter.hidden = total === 0;
    this.#state.hidden = total === 0;
    const count = found === total
      ? formatCount(total)
      : `${formatCount(found)} of ${formatCount(total)}`;
    setText(byId("users-count", HTMLElement), count);
    this.#more.hidden = hidden === 0;
    setText(this.#more, `Show ${formatCount(hidden)} more`);
    this.#table.hidden = found === 0;
    this.#empty.hidden = found > 0;
    setText(
      this.#empty,
      total === 0
        ? "Nobody has a name here yet: everyone uses the server's own " +
          "password. Add a user to see who moves what, and to set limits."
        : "No user matches this filter.",
    );
  }

  #makeHead(): void {
    const tr = make("tr", "");
    for (const column of COLUMNS) {
      const button = make("button", "", column.title);
      button.type = "button";
      const th = make("th", classOf(column), button);
      th.scope = "col";
      button.onclick = () => {
        this.#descending = this.#column === column
          ? !this.#descending
          : column.number === true;
        this.#column = column;
        this.#markSorted(tr);
        this.#redraw();
      };
      tr.append(th);
    }
    within(this.#table, "thead", HTMLTableSectionElement).append(tr);
    this.#markSorted(tr);
  }

  #markSorted(tr: HTMLTableRowElement): void {
    COLUMNS.forEach((column, i) => {
      tr.cells[i]!.ariaSort = column !== this.#column
        ? null
        : this.#descending
        ? "descending"
        : "ascending";
    });
  }
}

const stateColumn = COLUMNS.findIndex(({ id }) => id === "state");
const quotaColumn = COLUMNS.findIndex(({ id }) => id === "quota");

function classOf({ id, number, optional }: Column): string {
  return [id, number && "number", optional && "opt"].filter(Boolean).join(" ");
}

/** What stands around the text of a cell. */
function wrap(column: Column, text: Text): Node {
  if (column.id === "name") {
    const button = make("button", "", text);
    button.type = "button";
    return button;
  }
  if (column.id === "state") return make("span", "tag", text);
  if (column.bar === undefined) return text;
  return make("span", "meter", make("i", ""), make("span", "", text));
}

function mark(element: Element, name: string, value: string): void {
  const attribute = `data-${name}`;
  if (element.getAttribute(attribute) !== value) {
    element.setAttribute(attribute, value);
  }
}

function levelOf(quota: number): string {
  if (quota >= 1) return "bad";
  return quota >= QUOTA_WARNING ? "warn" : "good";
}
