/**
 * Measures how long the source of a fleet takes to answer, for each kind of
 * call.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { type DialCounts, DialTimes } from "../../dial_times.ts";

/** The kinds of calls, except those that wait for changes. */
export const FLEET_CALLS = [
  "report",
  "enter",
  "keep",
  "leave",
  "tell",
  "claim",
] as const;

/** A kind of call. */
export type FleetCall = typeof FLEET_CALLS[number];

/** The durations of one member's calls. */
export class CallTimes {
  readonly #clock: Clock;
  readonly #times = new Map(
    FLEET_CALLS.map((call) => [call, new DialTimes()] as const),
  );

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns the answer to a call, and counts its duration when it settles. */
  async of<T>(call: FleetCall, answer: Promise<T>): Promise<T> {
    const sentMs = this.#clock.monotonicMs();
    try {
      return await answer;
    } finally {
      this.#times.get(call)!.add(this.#clock.monotonicMs() - sentMs);
    }
  }

  get snapshot(): Readonly<Record<FleetCall, DialCounts>> {
    const counts = [...this.#times].map(([call, times]) =>
      [call, times.snapshot] as const
    );
    return Object.fromEntries(counts) as Record<FleetCall, DialCounts>;
  }
}
