/**
 * A clock that advances only when the test says so.
 *
 * @module
 */
import type { Clock } from "../../src/clock.ts";

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Runs timers only inside {@link FakeClock.advance}. */
export class FakeClock implements Clock {
  #nowMs = 0;
  #wallMs = 1_700_000_000_000;
  readonly #timers = new Set<Timer>();

  /** Number of timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  unixMs(): number {
    return this.#wallMs + this.#nowMs;
  }

  /** Sets the wall clock forward or back; monotonic time does not change. */
  setForward(byMs: number): void {
    this.#wallMs += byMs;
  }

  schedule(callback: () => void, delayMs: number): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Advances time, and runs the timers that become due, the oldest first. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    for (;;) {
      await settle();
      const nextMs = Math.min(...[...this.#timers].map(({ atMs }) => atMs));
      if (nextMs > endMs) break;
      this.#nowMs = Math.max(this.#nowMs, nextMs);
      for (const timer of this.#timers) {
        if (timer.atMs > nextMs) continue;
        this.#timers.delete(timer);
        timer.callback();
      }
    }
    this.#nowMs = endMs;
    await settle();
  }
}

/** Runs everything that needs no time to pass. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }
}
