/**
 * Notices that a server says nothing: one timer for all its connections.
 *
 * @module
 */
import type { Clock } from "../../../clock.ts";
import { SERVER_SILENCE_MS } from "../../../limits.ts";

/** Something was sent, and an answer is expected. */
interface Expectation {
  readonly target: string;
  readonly sinceMs: number;
  /** The number of signs of life of the server by then. */
  readonly pulse: number;
}

/** The connections of one server that wait for an answer. */
export class Silence {
  readonly #clock: Clock;
  readonly #onSilent: (target: string) => void;
  /** The one that waits longest first. */
  readonly #waiting = new Map<object, Expectation>();
  #pulse = 0;
  #cancel: (() => void) | undefined;

  /** @param onSilent Told once for each that waits in vain. */
  constructor(clock: Clock, onSilent: (target: string) => void) {
    this.#clock = clock;
    this.#onSilent = onSilent;
  }

  /** A connection expects an answer from now on. */
  expect(connection: object, target: string): void {
    this.#waiting.set(connection, {
      target,
      sinceMs: this.#clock.monotonicMs(),
      pulse: this.#pulse,
    });
    if (this.#cancel === undefined) this.#schedule(SERVER_SILENCE_MS);
  }

  /** The server said something on some connection. */
  heard(): void {
    this.#pulse++;
  }

  /** A connection expects nothing more. */
  forget(connection: object): void {
    this.#waiting.delete(connection);
  }

  /** Notices nothing more. */
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
