/**
 * Delays bytes to keep a rate.
 *
 * @module
 */
import { RATE_BURST_MS } from "../../limits.ts";
import type { Direction } from "../../streams/channel.ts";

/** When the next byte is due, for each direction separately. */
export class Pace {
  /** Milliseconds on the monotonic clock. */
  readonly #dueMs: Record<Direction, number> = { up: 0, down: 0 };

  /**
   * Adds bytes after the earlier ones.
   *
   * @param bytesPerSecond Above 0.
   * @returns Milliseconds to wait before they are relayed; 0 within the burst.
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

  /** Returns milliseconds until the next byte is due; 0 if it is due now. */
  waitMs(direction: Direction, nowMs: number): number {
    return Math.max(0, this.#dueMs[direction] - nowMs);
  }
}
