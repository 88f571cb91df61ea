/**
 * What a program did in a minute, and where that is kept over restarts.
 *
 * @module
 */

/** One minute. */
export interface Minute {
  /** Milliseconds since 1970 when the minute ended. */
  readonly unixMs: number;
  /** Payload from users to targets. */
  readonly bytesUp: number;
  /** Payload from targets to users. */
  readonly bytesDown: number;
  /** Connections that were open when it ended. */
  readonly open: number;
  /** Connections that failed or were refused, by error code. */
  readonly refusals: Readonly<Record<string, number>>;
}

/**
 * Keeps minutes. Every method throws `StoreError` when the disk does not do it;
 * nothing has changed then.
 */
export interface MinuteStore {
  /**
   * What was kept, the oldest first.
   *
   * @param count How many at most, of those that ended last.
   */
  minutes(count: number): Minute[];
  /**
   * Keeps a minute.
   *
   * @param count How many are kept; older ones are forgotten.
   */
  addMinute(minute: Minute, count: number): void;
}
