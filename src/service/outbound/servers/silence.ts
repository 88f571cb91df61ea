/**
 * Detects that a server does not answer, with one timer for all its
 * connections.
 *
 * @module
 */
import type { Clock } from "../../../clock.ts";
import { SERVER_SILENCE_MS } from "../../../limits.ts";

/** A connection that has sent bytes and expects an answer. */
interface Expectation {
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
  readonly #waiting = new Map<object, Expectation>();
  #pulse = 0;
  #cancel: (() => void) | undefined;

  /** @param onSilent Called once for each connection that is not answered. */
  constructor(clock: Clock, onSilent: (target: string) => void) {
    this.#clock = clock;
    this.#onSilent = onSilent;
  }

  /** Reports that a connection expects an answer from now on. */
  expect(connection: object, target: string): void {
    this.#waiting.set(connection, {
      target,
      sinceMs: this.#clock.monotonicMs(),
      pulse: this.#pulse,
    });
    if (this.#cancel === undefined) this.#schedule(SERVER_SILENCE_MS);
  }

  /** Reports that the server sent something on any connection. */
  heard(): void {
    this.#pulse++;
  }

  /** Reports that a connection expects no answer any more. */
  forget(connection: object): void {
    this.#waiting.delete(connection);
  }

  /** Stops the timer. */
  stop(): void {
    this.#waiting.clear();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(delayMs: number): void {
    this.#cancel = this.#clock.schedule(() => this.#judge(), delayMs);
  }

  #judge(): void {
    this.#cancel = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const [connection, { target, sinceMs, pulse }] of this.#waiting) {
      const leftMs = sinceMs + SERVER_SILENCE_MS - nowMs;
      if (leftMs > 0) return this.#schedule(leftMs);
      this.#waiting.delete(connection);
      if (pulse === this.#pulse) this.#onSilent(target);
    }
  }
}
