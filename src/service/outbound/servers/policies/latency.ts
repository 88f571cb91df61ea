/**
 * The fastest server, without haste: another takes its place when it is clearly
 * better, twice, and not soon after the last change.
 *
 * @module
 */
import type { Address } from "../../../../codec/address.ts";
import { LATENCY_GAIN, LATENCY_INTERVAL_MS } from "../../../../limits.ts";
import type { MovingAverage } from "../samples.ts";
import { type Candidate, heaviest, type Policy } from "./policy.ts";

/** The margin by which another server must be better. */
export interface LatencyOptions {
  /** Milliseconds by which it must be faster. */
  readonly toleranceMs: number;
  /** Milliseconds that a server stays in use at least, while it works. */
  readonly minDwellMs: number;
}

/** The kinds of times that can be compared. */
type Kind = "connects" | "probes";

/** One comparison that another server has won. */
interface Win {
  readonly name: string;
  readonly atMs: number;
  /** Samples of both that it was made of. */
  readonly samples: readonly [incumbent: number, challenger: number];
}

/** Remembers which server is in use, and who was better. */
export class Latency implements Policy {
  /** See {@link Policy.keepsServer}. */
  readonly keepsServer = true;
  readonly #options: LatencyOptions;
  #incumbent: string | undefined;
  #sinceMs = -Infinity;
  #win: Win | undefined;

  /** Begins with the heaviest. */
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
    // The same samples twice are one comparison.
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

  /** The cheapest of those that are clearly better. */
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

/** The cheapest; where nothing can be compared, the heaviest. */
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

/** Milliseconds, made worse by failures and better by weight. */
function cost(one: Candidate, kind: Kind): number | undefined {
  const { value }: MovingAverage = one[kind];
  return value &&
    value * (1 + FAILURE_COST * one.outcomes.failureRate) / one.weight;
}

/** Times its latency that a server costs more which always fails. */
const FAILURE_COST = 4;
