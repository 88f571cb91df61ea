/**
 * Chooses between providers that compute the same.
 *
 * @module
 */
import type { Clock } from "../clock.ts";

/** The result of the trial of one provider with one method. */
export interface Trial<M, P> {
  /** The method. */
  readonly method: M;
  /** The tested provider. */
  readonly provider: P;
  /**
   * The reason why the provider must not serve the method; not set if it may.
   */
  readonly fault?: string;
  /**
   * MiB per second on one core; approximate. 0 with a fault.
   */
  readonly speed: number;
}

/** Chooses a provider for each method. */
export class Choice<M extends { readonly name: string }, P> {
  readonly #trials: Trial<M, P>[] = [];
  readonly #chosen = new Map<string, P>();
  readonly #lead: number;

  /**
   * Chooses a provider for each method of the trials.
   *
   * @param trials See {@link Choice.add}.
   * @param lead An earlier provider is chosen before a later one only if it is
   * this many times as fast.
   */
  constructor(trials: readonly Trial<M, P>[], lead = 1) {
    this.#lead = lead;
    this.add(trials);
  }

  /** All trials. */
  get trials(): readonly Trial<M, P>[] {
    return this.#trials;
  }

  /**
   * Chooses a provider for methods without one.
   *
   * @param trials The fastest provider without a fault is chosen for each
   * method, or a later one that is nearly as fast: see the constructor.
   */
  add(trials: readonly Trial<M, P>[]): void {
    this.#trials.push(...trials);
    const best = new Map<string, number>();
    for (const { method, provider, fault, speed } of trials) {
      const known = best.get(method.name) ?? -1;
      if (fault !== undefined || speed * this.#lead <= known) continue;
      best.set(method.name, speed);
      this.#chosen.set(method.name, provider);
    }
  }

  /** Returns the provider of a method; `undefined` if there is none. */
  chosen({ name }: M): P | undefined {
    return this.#chosen.get(name);
  }

  /** All providers that were chosen for at least one method. */
  protected get everyChosen(): Iterable<P> {
    return this.#chosen.values();
  }
}

/** Approximate duration of one measurement, in milliseconds. */
const MEASURE_MS = 3;

/**
 * Measures the speed of a call. The best of several rounds counts, because
 * disturbances only make a round slower.
 *
 * @param bytes Bytes that one call processes.
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
