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

function expect<T extends Element>(
  found: Element | null,
  type: new () => T,
  name: string,
): T {
  if (found instanceof type) return found;
  throw new TypeError(`The page has no ${type.name} ${name}`);
}
