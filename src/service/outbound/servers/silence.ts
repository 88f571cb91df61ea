/**
 * Detects that a server does not answer, with one timer for all its
 * connections.
 *
 * @module
 */
import type { Clock } from "../../../clock.ts";
import { SERVER_SILENCE_MS } from "../../../limits.ts";
import { Roster, type RosterEntry } from "../../../roster.ts";

/** A connection that has sent bytes and expects an answer. */
export interface Expectation {
  readonly target: string;
  readonly sinceMs: number;
  /** The number of answers of the server up to then. */
  readonly pulse: number;
}

/** The connections of one server that expect an answer. */
export class Silence {
  readonly #clock: Clock;
  readonly #onSilent: (target: string) => void;
  /** The expectations, the oldest first. */
  readonly #waiting = new Roster<Expectation>();
  #pulse = 0;
  #cancel: (() => void) | undefined;

  /** @param onSilent Called once for each connection that is not answered. */
  constructor(clock: Clock, onSilent: (target: string) => void) {
    this.#clock = clock;
    this.#onSilent = onSilent;
  }

  /**
   * Reports that a connection expects an answer from now on.
   *
   * @returns What to remove once it expects none any more.
   */
  expect(target: string): RosterEntry<Expectation> {
    const sinceMs = this.#clock.monotonicMs();
    const pulse = this.#pulse;
    const entry = this.#waiting.add({ target, sinceMs, pulse });
    if (this.#cancel === undefined) this.#schedule(SERVER_SILENCE_MS);
    return entry;
  }

  /** Reports that the server sent something on any connection. */
  heard(): void {
    this.#pulse++;
  }

  /** Stops the timer. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(delayMs: number): void {
    this.#cancel = this.#clock.schedule(() => this.#judge(), delayMs);
  }

  #judge(): void {
    this.#cancel = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (
      let entry = this.#waiting.oldest;
      entry;
      entry = this.#waiting.oldest
    ) {
      const { target, sinceMs, pulse } = entry.value;
      const leftMs = sinceMs + SERVER_SILENCE_MS - nowMs;
      if (leftMs > 0) return this.#schedule(leftMs);
      entry.remove();
      if (pulse === this.#pulse) this.#onSilent(target);
    }
  }
}
