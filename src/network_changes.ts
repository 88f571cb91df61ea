/**
 * The interface by which an adapter reports that this machine may have another
 * network. Types only, except for the default.
 *
 * @module
 */

/** Reports changes of this machine's network. */
export interface NetworkChanges {
  /**
   * Calls `changed` after each change; it must not throw.
   *
   * @returns A function that ends this. Idempotent.
   */
  onChange(changed: () => void): () => void;
}

/** Used where changes cannot be seen. */
export const unseenNetwork: NetworkChanges = { onChange: () => () => {} };
