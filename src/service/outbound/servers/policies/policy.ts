/**
 * The interface of policies, which choose among servers that work.
 *
 * @module
 */
import type { Address } from "../../../../codec/address.ts";
import type { MovingAverage, Outcomes } from "../samples.ts";

/** The policies; the names are those of configuration files. */
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
  /** The name; unique among candidates. */
  readonly name: string;
  /** The weight; more than 0. */
  readonly weight: number;
  /** Durations of connects in milliseconds. */
  readonly connects: MovingAverage;
  /** Durations of probes in milliseconds. */
  readonly probes: MovingAverage;
  /** Results of the last connects and probes. */
  readonly outcomes: Outcomes;
}

/** Chooses servers. Its state refers to servers by name. */
export interface Policy {
  /**
   * True if a change of server means a new preference. With shared load, every
   * connection may change it.
   */
  readonly keepsServer: boolean;
  /**
   * Chooses a server.
   *
   * @param candidates At least one, in the order of the configuration.
   * @param target The target of the connection.
   * @param nowMs The time on the monotonic clock.
   */
  pick<C extends Candidate>(
    candidates: readonly C[],
    target: Address,
    nowMs: number,
  ): C;
}

/** Returns the candidate with the greatest weight; of equal ones, the first. */
export function heaviest<C extends Candidate>(candidates: readonly C[]): C {
  return candidates.reduce((best, one) =>
    one.weight > best.weight ? one : best
  );
}
