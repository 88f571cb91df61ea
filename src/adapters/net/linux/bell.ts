/**
 * What wakes the runtime when something happens to a descriptor that it does
 * not know. Neither Deno nor Bun watches descriptors of others.
 *
 * @module
 */

export interface Bell {
  /** Which kind it is, for the operator. */
  readonly name: string;
  /** Called once for each {@link Bell.set}. */
  onRing: () => void;
  /** Rings once, as soon as an event waits; at once if one does. */
  set(): void;
  /** Keeps the process alive. */
  hold(): void;
  /** Lets the process end. */
  release(): void;
}
