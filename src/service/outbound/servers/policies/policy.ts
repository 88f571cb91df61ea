/**
 * How one of several servers that work is chosen.
 *
 * @module
 */
import type { Address } from "../../../../codec/address.ts";
import type { MovingAverage, Outcomes } from "../samples.ts";

/** The ways to choose; the names are those of configuration files. */
export type PolicyName =
  | "failover"
  | "latency"
  | "round-robin"
  | "random"
  | "hash";

/** Every {@link PolicyName}. */
export const POLICY_NAMES: readonly PolicyName[] = [
  "failover",
  "latency",
  "round-robin",
  "random",
  "hash",
];

/** A server that may be chosen. */
export interface Candidate {
  /** No two have the same. */
  readonly name: string;
  /** More than 0. */
  readonly weight: number;
  /** Milliseconds that connects take. */
  readonly connects: MovingAverage;
  /** Milliseconds that probes take. */
  readonly probes: MovingAverage;
  /** The last connects and probes. */
  readonly outcomes: Outcomes;
}

/** Chooses. What it remembers, it remembers by name. */
export interface Policy {
  /**
   * True if a change of the server means that another one is preferred now;
   * where load is shared, every connection changes it.
   */
  readonly keepsServer: boolean;
  /**
   * Chooses one.
   *
   * @param candidates At least one, in the order of the configuration.
   * @param target What for.
   * @param nowMs When, on the monotonic clock.
   */
  pick<C extends Candidate>(
    candidates: readonly C[],
    target: Address,
    nowMs: number,
  ): C;
}

/** The heaviest; of equal ones the first. */
export function heaviest<C extends Candidate>(candidates: readonly C[]): C {
  return candidates.reduce((best, one) =>
    one.weight > best.weight ? one : best
  );
}
