/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The elements of the page. Text is inserted only as text, because names of
 * users, targets and addresses come from outside.
 *
 * @module
 */

import { isolated } from "./language.ts";

/**
 * Returns the element with this id.
 *
 * @throws {TypeError} If the page has no such element of the class.
 */
export function byId<T extends Element>(id: string, type: new () => T): T {
  return expect(document.getElementById(id), type, `#${id}`);
}

/** Returns the first matching descendant; throws as {@link byId}. */
export function within<T extends Element>(
  parent: ParentNode,
  selector: string,
  type: new () => T,
): T {
  return expect(parent.querySelector(selector), type, selector);
}

/** Returns a control of a form; throws as {@link byId}. */
export function field(form: ParentNode, name: string): HTMLInputElement {
  return within(form, `input[name="${name}"]`, HTMLInputElement);
}

/** Makes an element with a class, and text or children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.append(
    ...children.map((child) =>
      typeof child === "string" ? isolated(child) : child
    ),
  );
  return element;
}

/** Sets a text, unless it is already shown. */
export function setText(node: Node, text: string): void {
  const shown = isolated(text);
  if (node.textContent !== shown) node.textContent = shown;
}

/** What a row of a table shows. */
export interface TableRow {
  /** The text of each cell. */
  readonly texts: readonly string[];
  /** The tones of cells, by number. */
  readonly tones?: Readonly<Record<number, string>>;
  /** The tooltips of cells, by number. */
  readonly titles?: Readonly<Record<number, string>>;
}

/**
 * Draws the rows of a table. A row that stays is changed in place.
 *
 * @param id The id of the table.
 * @param newRow Makes an empty row.
 */
export function drawRows(
  id: string,
  newRow: () => HTMLTableRowElement,
  rows: readonly TableRow[],
): void {
  const table = byId(id, HTMLTableElement);
  const body = within(table, "tbody", HTMLTableSectionElement);
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach(({ texts, tones = {}, titles = {} }, i) => {
    const { cells } = body.rows[i] ?? body.appendChild(newRow());
    texts.forEach((text, j) => setText(cells[j]!, text));
    for (const j in tones) cells[j]!.dataset.tone = tones[j]!;
    for (const j in titles) cells[j]!.title = titles[j]!;
  });
}

/**
 * Makes an empty row.
 *
 * @param classes The class of each cell.
 * @param buttons The buttons in a cell of their own, if there are any.
 */
export function makeRow(
  classes: readonly string[],
  ...buttons: readonly HTMLButtonElement[]
): HTMLTableRowElement {
  const cells = classes.map((name) => make("td", name));
  if (buttons.length > 0) cells.push(make("td", "actions", ...buttons));
  return make("tr", "", ...cells);
}

/** Makes a button. */
export function makeButton(text: string, press: () => void): HTMLButtonElement {
  const button = make("button", "", text);
  button.type = "button";
  button.onclick = press;
  return button;
}

function expect<T extends Element>(
  found: Element | null,
  type: new () => T,
  name: string,
): T {
  if (found instanceof type) return found;
  throw new TypeError(`The page has no ${type.name} ${name}`);
}
