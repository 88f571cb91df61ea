/**
 * The conditions of a route, and how they are combined.
 *
 * A condition matches, does not match, or depends on the addresses of a name
 * that was not resolved. A name is therefore resolved only if the answer
 * depends on it. DNS asks about names without a port; conditions on ports then
 * give a fourth answer.
 *
 * @module
 */
import type { TargetSet } from "./match/target_set.ts";
import {
  NEEDS_ADDRESSES,
  NOT_TOLD,
  type RouteAnswer,
  type RouteHit,
  type RouteQuestion,
} from "./question.ts";

/** One condition. */
export interface Condition {
  /** Returns the reason why the condition matches, if it does. */
  answer(question: RouteQuestion): RouteAnswer;
  /**
   * Set if the condition only consists of these sets, so that a PAC can express
   * it.
   */
  readonly sets?: readonly TargetSet[];
  /** Which half of the sets is used; default: both. */
  readonly half?: "names" | "addresses";
}

/** Matches if the target is in one of the sets. */
export function inSets(sets: readonly TargetSet[]): Condition {
  return {
    sets,
    answer(question): RouteAnswer {
      const { name, addresses } = question;
      if (name !== undefined) {
        for (const set of sets) {
          const hit = set.matchName(name);
          if (hit !== undefined) return hit;
        }
      }
      if (addresses === undefined) {
        const isOpen = sets.some((set) => set.hasAddresses);
        return isOpen ? NEEDS_ADDRESSES : undefined;
      }
      return firstOf(
        addresses,
        sets,
        (set, address) => set.matchAddress(address),
      );
    },
  };
}

/** Matches if the client's address is in one of the sets. */
export function fromSets(sets: readonly TargetSet[]): Condition {
  return {
    answer({ source }): RouteAnswer {
      const hit = source &&
        firstOf([source], sets, (set, address) => set.matchAddress(address));
      if (hit === undefined) return undefined;
      const { value, list, line } = hit;
      return { condition: "source", value, list, line };
    },
  };
}

/**
 * Matches if an address of the target is in a country, according to a database.
 */
export function inCountry(
  country: string,
  countryOf: (address: Uint8Array) => string | undefined,
): Condition {
  const hit = { condition: "geoip", value: country };
  return {
    answer({ addresses }): RouteAnswer {
      if (addresses === undefined) return NEEDS_ADDRESSES;
      const isThere = addresses.some((address) =>
        countryOf(address) === country
      );
      return isThere ? hit : undefined;
    },
  };
}

/** A range of ports, both ends included. */
export interface PortRange {
  /** The first port, at least 0. */
  readonly from: number;
  /** The last port, at most 65,535. */
  readonly to: number;
}

/** Matches if the target's port is in a range. */
export function onPorts(ranges: readonly PortRange[]): Condition {
  return {
    answer({ port }): RouteAnswer {
      if (port === undefined) return NOT_TOLD;
      const range = ranges.find(({ from, to }) => port >= from && port <= to);
      if (range === undefined) return undefined;
      const { from, to } = range;
      return from === to
        ? { condition: "port", value: `${from}` }
        : { condition: "port_range", value: `${from}:${to}` };
    },
  };
}

/** Matches if a value of the question is one of these words. */
export function isOneOf(
  key: "network" | "user" | "inbound",
  words: readonly string[],
): Condition {
  return {
    answer(question): RouteAnswer {
      const value = question[key];
      if (key === "network" && value === undefined) return NOT_TOLD;
      return value !== undefined && words.includes(value)
        ? { condition: key, value }
        : undefined;
    },
  };
}

/** Matches if one of the conditions does. */
export function anyOf(conditions: readonly Condition[]): Condition {
  if (conditions.length === 1) return conditions[0]!;
  const sets = conditions.map(({ sets, half }) => half ? undefined : sets);
  return {
    answer(question): RouteAnswer {
      let open: RouteAnswer;
      for (const condition of conditions) {
        const answer = condition.answer(question);
        if (answer === undefined) continue;
        if (typeof answer !== "symbol") return answer;
        if (open !== NEEDS_ADDRESSES) open = answer;
      }
      return open;
    },
    ...sets.every((one) => one !== undefined) && { sets: sets.flat() },
  };
}

/** Matches if all conditions do; the first one is the reason. */
export function allOf(conditions: readonly Condition[]): Condition {
  if (conditions.length === 1) return conditions[0]!;
  return {
    answer(question): RouteAnswer {
      let first: RouteHit | undefined = ALWAYS;
      let open: typeof NEEDS_ADDRESSES | typeof NOT_TOLD | undefined;
      for (const condition of conditions) {
        const answer = condition.answer(question);
        if (answer === undefined) return undefined;
        if (typeof answer === "symbol") {
          if (open !== NOT_TOLD) open = answer;
        } else if (first === ALWAYS) first = answer;
      }
      return open ?? first;
    },
  };
}

/** Matches if the other condition does not. */
export function not(condition: Condition): Condition {
  return {
    answer(question): RouteAnswer {
      const answer = condition.answer(question);
      if (typeof answer === "symbol") return answer;
      return answer === undefined
        ? { condition: "invert", value: "true" }
        : undefined;
    },
  };
}

/**
 * Matches only for targets that are addresses, not for the addresses of a name.
 */
export function ofAddressTargets(condition: Condition): Condition {
  return {
    ...condition.sets && { sets: condition.sets, half: "addresses" },
    answer: (question) =>
      question.name === undefined
        ? condition.answer(question)
        : question.isAddress
        ? condition.answer({ ...question, name: undefined })
        : undefined,
  };
}

/** Matches only by names, whatever their addresses are. */
export function ofNames(condition: Condition): Condition {
  return {
    ...condition.sets && { sets: condition.sets, half: "names" },
    answer: (question) =>
      question.name === undefined
        ? undefined
        : condition.answer({ ...question, addresses: [] }),
  };
}

const ALWAYS: RouteHit = { condition: "every", value: "target" };

function firstOf(
  addresses: readonly Uint8Array[],
  sets: readonly TargetSet[],
  match: (set: TargetSet, address: Uint8Array) => RouteHit | undefined,
): RouteHit | undefined {
  for (const address of addresses) {
    for (const set of sets) {
      const hit = match(set, address);
      if (hit !== undefined) return hit;
    }
  }
  return undefined;
}
