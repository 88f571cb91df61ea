/**
 * An ordered list of routes. The first one that matches decides.
 *
 * @module
 */
import type { Condition } from "./condition.ts";
import {
  NEEDS_ADDRESSES,
  NOT_TOLD,
  type RouteHit,
  type RouteQuestion,
} from "./question.ts";

/** One route. */
export interface Route {
  /** `proxy`, `direct`, `block`, or the name of a server or a group. */
  readonly to: string;
  /**
   * The place of the route in the configuration: `routes[2]`, `[bypass_list]`.
   */
  readonly place: string;
  /** The condition; default: the route always matches. */
  readonly when?: Condition;
}

/** The decision for a question. */
export interface RouteDecision {
  /** The `to` of the route that matches. */
  readonly to: string;
  /** The place of that route. */
  readonly place: string;
  /** The condition that matches; `undefined` if the route has none. */
  readonly hit?: RouteHit;
}

/** An immutable list of routes; a change replaces the whole table. */
export class RouteTable {
  readonly #routes: readonly Route[];
  readonly #last: Route;

  /**
   * Makes a table.
   *
   * @param last Used if no other route matches.
   */
  constructor(routes: readonly Route[], last: Route) {
    this.#routes = routes;
    this.#last = last;
  }

  /**
   * Decides a question. Routes that depend on a port or a network are skipped
   * if the question has none.
   *
   * @returns `undefined` if the decision depends on the addresses of a name
   * that was not resolved. Ask again with the addresses, or with an empty list.
   */
  decide(question: RouteQuestion): RouteDecision | undefined {
    for (const { to, place, when } of this.#routes) {
      const answer = when === undefined ? null : when.answer(question);
      if (answer === NEEDS_ADDRESSES) return undefined;
      if (answer === NOT_TOLD) continue;
      if (answer === null) return { to, place };
      if (answer !== undefined) return { to, place, hit: answer };
    }
    return { to: this.#last.to, place: this.#last.place };
  }

  /** Returns every route, including the last one. */
  routes(): readonly Route[] {
    return [...this.#routes, this.#last];
  }
}

/** Explains a decision: `direct: [bypass_list] domain "a.test" (x.acl:12)`. */
export function explainDecision({ to, place, hit }: RouteDecision): string {
  if (hit === undefined) return `${to}: ${place}`;
  const { condition, value, list, line } = hit;
  const where = list === undefined
    ? ""
    : line
    ? ` (${list}:${line})`
    : ` (${list})`;
  return `${to}: ${place} ${condition} "${value}"${where}`;
}
