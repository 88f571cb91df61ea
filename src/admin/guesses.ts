/**
 * Wrong secrets, counted by where they came from: the same wrong one again and
 * again, as an old program sends it, is one.
 *
 * @module
 */
import { equalBytes } from "../bytes.ts";
import type { Clock } from "../clock.ts";
import {
  MAX_WRONG_TOKEN_PEERS,
  MAX_WRONG_TOKENS,
  WRONG_TOKEN_WINDOW_MS,
} from "../limits.ts";

/** Wrong secrets of one place in a window. */
interface Count {
  count: number;
  last: Uint8Array;
  readonly sinceMs: number;
}

/** Counts wrong secrets. At most `MAX_WRONG_TOKEN_PEERS` are remembered. */
export class Guesses {
  readonly #clock: Clock;
  readonly #counts = new Map<string, Count>();

  /** @param clock Ends the window. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True if so many different ones came from there that no more are judged. */
  areTooMany(place: string): boolean {
    return (this.#current(place)?.count ?? 0) >= MAX_WRONG_TOKENS;
  }

  /**
   * Counts a wrong one.
   *
   * @param digest Of the secret.
   * @returns `false` for the same one as before, which is no other guess.
   */
  add(place: string, digest: Uint8Array): boolean {
    const known = this.#current(place);
    if (known === undefined) {
      this.#begin(place, digest);
      return true;
    }
    if (equalBytes(digest, known.last)) return false;
    known.count++;
    known.last = digest;
    return true;
  }

  #current(place: string): Count | undefined {
    const known = this.#counts.get(place);
    const isOld = known !== undefined &&
      this.#clock.monotonicMs() - known.sinceMs >= WRONG_TOKEN_WINDOW_MS;
    return isOld ? undefined : known;
  }

  #begin(place: string, last: Uint8Array): void {
    this.#counts.delete(place);
    if (this.#counts.size >= MAX_WRONG_TOKEN_PEERS) {
      const [oldest] = this.#counts.keys();
      this.#counts.delete(oldest!);
    }
    const sinceMs = this.#clock.monotonicMs();
    this.#counts.set(place, { count: 1, last, sinceMs });
  }
}
