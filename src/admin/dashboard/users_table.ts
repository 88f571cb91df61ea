/// <reference lib="dom" />
/**
 * The table of users: one page, which the program sorts and filters. Up to
 * 1,000 rows are updated once a second, so only changed elements are touched.
 *
 * @module
 */
import { FIRST_USERS, MAX_USER_PAGE } from "../../limits.ts";
import type { Status, UserPage } from "../operator.ts";
import { formatCount } from "../units.ts";
import { byId, make, setText, within } from "./dom.ts";
import { say } from "./language.ts";
import { onChange, unit } from "./preferences.ts";
import {
  type Column,
  COLUMNS,
  rowsOf,
  sortRows,
  STATES,
  type UserRow,
  type View,
} from "../user_rows.ts";

/** Share of a quota from which it is highlighted. */
const QUOTA_WARNING = 0.9;

/** A row of the table, and its changing parts. */
interface DrawnRow {
  readonly tr: HTMLTableRowElement;
  readonly cells: readonly HTMLTableCellElement[];
  /** The text nodes of the cells. */
  readonly texts: readonly Node[];
}

/** Requests a page of users, and draws it. */
export class UsersTable {
  readonly #open: (row: UserRow) => void;
  readonly #refresh: () => void;
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
  #limit = FIRST_USERS;

  /**
   * Makes the table, empty.
   *
   * @param open Called to show a user.
   * @param refresh Called to fetch another page.
   */
  constructor(open: (row: UserRow) => void, refresh: () => void) {
    this.#open = open;
    this.#refresh = refresh;
    this.#makeHead();
    this.#state.replaceChildren(
      new Option(say("users-all"), ""),
      ...Object.entries(STATES).map(([state, key]) =>
        new Option(say(key), state)
      ),
    );
    this.#filter.oninput = refresh;
    this.#state.onchange = refresh;
    this.#more.onclick = () => {
      this.#limit = MAX_USER_PAGE;
      refresh();
    };
    onChange(() => this.#redraw());
  }

  /** The requested page. */
  get page(): UserPage {
    return {
      sort: this.#column.id,
      descending: this.#descending,
      filter: this.#filter.value.trim(),
      state: this.#state.value,
      limit: this.#limit,
    };
  }

  /** Shows the latest status. */
  draw(status: Status): void {
    this.#status = status;
    this.#rows = rowsOf(status);
    this.#redraw();
  }

  #redraw(): void {
    const status = this.#status;
    if (status === undefined) return;
    const rows = sortRows(this.#rows, this.#column, this.#descending);
    const view = { nowUnixMs: status.nowUnixMs, unit: unit(), say };
    this.#arrange(rows.map((row) => this.#update(row, view)));
    this.#forget();
    this.#describe(status);
  }

  /** Draws the changes of a row. */
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
    // The button of a row is for keyboards; a pointer may click anywhere in the
    // row.
    tr.onclick = () => {
      const now = this.#rows.find(({ key }) => key === row.key);
      if (now !== undefined) this.#open(now);
    };
    const drawn = { tr, cells, texts };
    this.#drawn.set(row.key, drawn);
    return drawn;
  }

  /**
   * Puts rows in order, except under the pointer: a row must not move when it
   * is about to be clicked. The focus stays where it was.
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

  /** Forgets rows that are not on the page. */
  #forget(): void {
    if (this.#drawn.size <= this.#rows.length) return;
    const keys = new Set(this.#rows.map(({ key }) => key));
    for (const key of this.#drawn.keys()) {
      if (!keys.has(key)) this.#drawn.delete(key);
    }
  }

  #describe({ role, users: { found, total } }: Status): void {
    const shown = this.#rows.length;
    byId("users-panel", HTMLElement).hidden = role === "local" && total === 0;
    this.#filter.hidden = total === 0;
    this.#state.hidden = total === 0;
    const count = found === total ? formatCount(total) : say("users-found", {
      found: formatCount(found),
      total: formatCount(total),
    });
    setText(byId("users-count", HTMLElement), count);
    this.#more.hidden = found <= shown || shown >= MAX_USER_PAGE;
    const more = Math.min(found, MAX_USER_PAGE) - shown;
    setText(this.#more, say("users-more", { count: formatCount(more) }));
    this.#table.hidden = found === 0;
    this.#empty.hidden = found > 0;
    setText(
      this.#empty,
      total === 0 ? say("users-none") : say("users-no-match"),
    );
  }

  #makeHead(): void {
    const tr = make("tr", "");
    for (const column of COLUMNS) {
      const button = make("button", "", say(column.title));
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
        this.#refresh();
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

/** Wraps the text of a cell. */
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
