/**
 * Changes of this machine's network that a test causes.
 *
 * @module
 */
import type { NetworkChanges } from "../../src/network_changes.ts";

/** Calls its listeners when the test says so. */
export class FakeNetworkChanges implements NetworkChanges {
  readonly #listeners = new Set<() => void>();

  /** Number of listeners. */
  get listeners(): number {
    return this.#listeners.size;
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  /** Reports that the network has changed. */
  change(): void {
    for (const listener of this.#listeners) listener();
  }
}
