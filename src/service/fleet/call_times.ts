/**
 * How long the source of a fleet takes to answer, by what it was asked.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { type DialCounts, DialTimes } from "../../dial_times.ts";

/** What a source is asked, but for what waits for news. */
export const FLEET_CALLS = [
  "report",
  "enter",
  "keep",
  "leave",
  "tell",
  "claim",
] as const;

/** One of them. */
export type FleetCall = typeof FLEET_CALLS[number];

/** The times of one member's calls. */
export class CallTimes {
  readonly #clock: Clock;
  readonly #times = new Map(
    FLEET_CALLS.map((call) => [call, new DialTimes()] as const),
  );

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer to a call, which is counted when it comes, or fails. */
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
