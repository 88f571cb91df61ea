/**
 * Chooses the fastest server. Another one replaces it only if it is clearly
 * faster in two comparisons, and not soon after the last change.
 *
 * @module
 */
import type { Address } from "../../../../codec/address.ts";
import { LATENCY_GAIN, LATENCY_INTERVAL_MS } from "../../../../limits.ts";
import type { MovingAverage } from "../samples.ts";
import { type Candidate, heaviest, type Policy } from "./policy.ts";

/** The margin by which another server must be better. */
export interface LatencyOptions {
  /** Milliseconds by which another server must be faster. */
  readonly toleranceMs: number;
  /** The least milliseconds that a working server stays in use. */
  readonly minDwellMs: number;
}

/** The kinds of durations that can be compared. */
type Kind = "connects" | "probes";

/** A comparison that another server has won. */
interface Win {
  readonly name: string;
  readonly atMs: number;
  /** The number of samples of both servers at the comparison. */
  readonly samples: readonly [incumbent: number, challenger: number];
}

/** Remembers the server in use and the last comparison. */
export class Latency implements Policy {
  /** See {@link Policy.keepsServer}. */
  readonly keepsServer = true;
  readonly #options: LatencyOptions;
  #incumbent: string | undefined;
  #sinceMs = -Infinity;
  #win: Win | undefined;

  /**
   * Starts with the fastest server, or with the greatest weight without
   * samples.
   */
  constructor(options: LatencyOptions) {
    this.#options = options;
  }

  /** See {@link Policy.pick}. */
  pick<C extends Candidate>(
    candidates: readonly C[],
    _target: Address,
    nowMs: number,
  ): C {
    const incumbent = candidates.find(({ name }) => name === this.#incumbent);
    if (incumbent === undefined) return this.#use(cheapest(candidates), nowMs);
    const better = this.#challenger(candidates, incumbent);
    if (better === undefined) {
      this.#win = undefined;
      return incumbent;
    }
    const { one, kind } = better;
    const samples = [incumbent[kind].count, one[kind].count] as const;
    const win = this.#win;
    if (win?.name !== one.name) {
      this.#win = { name: one.name, atMs: nowMs, samples };
      return incumbent;
    }
    // The comparison counts only with new samples of both servers.
    const isSecond = nowMs - win.atMs >= LATENCY_INTERVAL_MS &&
      samples.every((count, i) => count > win.samples[i]!);
    const mayLeave = nowMs - this.#sinceMs >= this.#options.minDwellMs;
    return isSecond && mayLeave ? this.#use(one, nowMs) : incumbent;
  }

  #use<C extends Candidate>(one: C, nowMs: number): C {
    this.#incumbent = one.name;
    this.#sinceMs = nowMs;
    this.#win = undefined;
    return one;
  }

  /** Returns the best of the servers that are clearly faster. */
  #challenger<C extends Candidate>(
    candidates: readonly C[],
    incumbent: C,
  ): { readonly one: C; readonly kind: Kind } | undefined {
    const better = candidates.flatMap((one) => {
      const kind = comparable(incumbent, one);
      if (kind === undefined || one === incumbent) return [];
      const [old, next] = [cost(incumbent, kind)!, cost(one, kind)!];
      const isBetter = old - next > this.#options.toleranceMs &&
        next < old * (1 - LATENCY_GAIN);
      return isBetter ? [{ one, kind, gain: next / old }] : [];
    });
    return better.sort((a, b) => a.gain - b.gain)[0];
  }
}

/**
 * Returns the server with the least cost; without samples, that with the
 * greatest weight.
 */
function cheapest<C extends Candidate>(candidates: readonly C[]): C {
  return candidates.reduce((best, one) => {
    const kind = comparable(best, one);
    return kind !== undefined && cost(one, kind)! < cost(best, kind)!
      ? one
      : best;
  }, heaviest(candidates));
}

function comparable(a: Candidate, b: Candidate): Kind | undefined {
  const both = (kind: Kind): boolean =>
    a[kind].value !== undefined && b[kind].value !== undefined;
  return both("probes") ? "probes" : both("connects") ? "connects" : undefined;
}

/** Returns milliseconds, increased by failures and divided by the weight. */
function cost(one: Candidate, kind: Kind): number | undefined {
  const { value }: MovingAverage = one[kind];
  return value &&
    value * (1 + FAILURE_COST * one.outcomes.failureRate) / one.weight;
}

/**
 * By how many times its latency the cost of a server rises that always fails.
 */
const FAILURE_COST = 4;
