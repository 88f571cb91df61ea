/**
 * Wakes the runtime when an event occurs on a descriptor that the runtime does
 * not know: neither Deno nor Bun can watch foreign descriptors.
 *
 * @module
 */

export interface Bell {
  /** The kind of bell, for the operator. */
  readonly name: string;
  /** Why the best bell is not available. */
  readonly reason?: string | undefined;
  /**
   * A descriptor that the event queue of the runtime watches; not set if it is
   * not known.
   */
  readonly runtimeEnd?: number | undefined;
  /** Called once for each {@link Bell.set}. */
  onRing: () => void;
  /**
   * Makes the bell ring once when an event waits; at once if one already waits.
   */
  set(): void;
  /** Keeps the process alive. */
  hold(): void;
  /** Lets the process end. */
  release(): void;
}
