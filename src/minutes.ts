/**
 * What a program did in one minute, and the store that keeps minutes over
 * restarts.
 *
 * @module
 */

/** The counts of one minute. */
export interface Minute {
  /** The end of the minute; milliseconds since 1970. */
  readonly unixMs: number;
  /** Payload bytes from users to targets. */
  readonly bytesUp: number;
  /** Payload bytes from targets to users. */
  readonly bytesDown: number;
  /** Connections that were open at the end of the minute. */
  readonly open: number;
  /** Connections that failed or were refused, by error code. */
  readonly refusals: Readonly<Record<string, number>>;
}

/**
 * Keeps minutes. Every method throws `StoreError` if the disk fails; nothing
 * has changed then.
 */
export interface MinuteStore {
  /**
   * Returns the kept minutes, the oldest first.
   *
   * @param count The most to return; the latest minutes are chosen.
   */
  minutes(count: number): Minute[];
  /**
   * Keeps a minute.
   *
   * @param count Minutes that are kept; older ones are removed.
   */
  addMinute(minute: Minute, count: number): void;
}
