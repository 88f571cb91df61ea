/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The page's elements. Text enters them as text only: names of users, targets
 * and addresses come from outside.
 *
 * @module
 */

import { isolated } from "./language.ts";

/**
 * The element of this id.
 *
 * @throws {TypeError} When the page has none of that class.
 */
export function byId<T extends Element>(id: string, type: new () => T): T {
  return expect(document.getElementById(id), type, `#${id}`);
}

/** The first element under another; throws as {@link byId}. */
export function within<T extends Element>(
  parent: ParentNode,
  selector: string,
  type: new () => T,
): T {
  return expect(parent.querySelector(selector), type, selector);
}

/** A control of a form; throws as {@link byId}. */
export function field(form: ParentNode, name: string): HTMLInputElement {
  return within(form, `input[name="${name}"]`, HTMLInputElement);
}

/** A new element with a class, and text or children. */
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

/** Shows a text; touches nothing where it is shown already. */
export function setText(node: Node, text: string): void {
  const shown = isolated(text);
  if (node.textContent !== shown) node.textContent = shown;
}

function expect<T extends Element>(
  found: Element | null,
  type: new () => T,
  name: string,
): T {
  if (found instanceof type) return found;
  throw new TypeError(`The page has no ${type.name} ${name}`);
}
