/**
 * When bytes are due at a rate.
 *
 * @module
 */
import { RATE_BURST_MS } from "../../limits.ts";
import type { Direction } from "../../streams/channel.ts";

/** When the next byte of each direction is due; each direction by itself. */
export class Pace {
  /** Milliseconds of the monotonic clock. */
  readonly #dueMs: Record<Direction, number> = { up: 0, down: 0 };

  /**
   * Lets bytes follow those before them.
   *
   * @param bytesPerSecond Above 0.
   * @returns Milliseconds to wait before they pass; 0 within the burst.
   */
  add(
    direction: Direction,
    bytes: number,
    bytesPerSecond: number,
    nowMs: number,
  ): number {
    const due = this.#dueMs;
    due[direction] = Math.max(due[direction], nowMs - RATE_BURST_MS) +
      bytes * 1_000 / bytesPerSecond;
    return this.waitMs(direction, nowMs);
  }

  /** Milliseconds until the next byte is due; 0 for at once. */
  waitMs(direction: Direction, nowMs: number): number {
    return Math.max(0, this.#dueMs[direction] - nowMs);
  }
}
