/**
 * Routes in order: the first that holds decides, and says why.
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
  /** The condition; default: the route always holds. */
  readonly when?: Condition;
}

/** The decision. */
export interface RouteDecision {
  /** The way of the route that holds. */
  readonly to: string;
  /** The place of that route. */
  readonly place: string;
  /** Which of its conditions holds; `undefined` where it has none. */
  readonly hit?: RouteHit;
}

/** Routes that do not change: new ones take the place of the whole table. */
export class RouteTable {
  readonly #routes: readonly Route[];
  readonly #last: Route;

  /**
   * Takes routes in order.
   *
   * @param last Holds where nothing else does.
   */
  constructor(routes: readonly Route[], last: Route) {
    this.#routes = routes;
    this.#last = last;
  }

  /**
   * Decides. A route that depends on a port or a network is passed over where
   * the question has none.
   *
   * @returns `undefined` when that depends on the addresses of a name that was
   * not resolved: ask again with them, or with none.
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

  /** Every route, the last one included. */
  routes(): readonly Route[] {
    return [...this.#routes, this.#last];
  }
}

/** A decision in words: `direct: [bypass_list] domain "a.test" (x.acl:12)`. */
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
