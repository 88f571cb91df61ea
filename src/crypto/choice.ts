/**
 * Of several providers that compute the same, the one that is used.
 *
 * @module
 */
import type { Clock } from "../clock.ts";

/** The result of the trial of one provider with one method. */
export interface Trial<M, P> {
  /** The method. */
  readonly method: M;
  /** The provider that was tried. */
  readonly provider: P;
  /** Why it may not serve the method; not set: it may. */
  readonly fault?: string;
  /** MiB per second on one core, in large calls; rough. 0 with a fault. */
  readonly speed: number;
}

/** Chooses a provider for each method. */
export class Choice<M extends { readonly name: string }, P> {
  readonly #trials: Trial<M, P>[] = [];
  readonly #chosen = new Map<string, P>();

  /**
   * Chooses.
   *
   * @param trials See {@link Choice.add}.
   */
  constructor(trials: readonly Trial<M, P>[]) {
    this.add(trials);
  }

  /** Everything that was tried. */
  get trials(): readonly Trial<M, P>[] {
    return this.#trials;
  }

  /**
   * Chooses for methods that were not tried before.
   *
   * @param trials Of each method the fastest without a fault is chosen.
   */
  add(trials: readonly Trial<M, P>[]): void {
    this.#trials.push(...trials);
    const best = new Map<string, number>();
    for (const { method, provider, fault, speed } of trials) {
      const known = best.get(method.name) ?? -1;
      if (fault !== undefined || speed <= known) continue;
      best.set(method.name, speed);
      this.#chosen.set(method.name, provider);
    }
  }

  /** The provider of a method; `undefined` when there is none. */
  chosen({ name }: M): P | undefined {
    return this.#chosen.get(name);
  }

  /** Every provider that is chosen for something. */
  protected get everyChosen(): Iterable<P> {
    return this.#chosen.values();
  }
}

/** Milliseconds spent on one measurement, about. */
const MEASURE_MS = 3;

/**
 * Measures a call: the best of several rounds, since what disturbs a round
 * only makes it slower.
 *
 * @param bytes What one call turns.
 * @returns MiB per second.
 */
export function measureSpeed(
  call: () => void,
  bytes: number,
  clock: Clock,
): number {
  let best = Infinity;
  const endMs = clock.monotonicMs() + MEASURE_MS;
  do {
    const startMs = clock.monotonicMs();
    call();
    best = Math.min(best, clock.monotonicMs() - startMs);
  } while (clock.monotonicMs() < endMs);
  return bytes / 2 ** 20 / (best / 1000);
}
