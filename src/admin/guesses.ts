/**
 * Counts wrong secrets by their origin. The same wrong secret, as an outdated
 * program sends it repeatedly, counts once.
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
import { putNewest } from "../recently_used.ts";

/** The wrong secrets of one origin in a window of time. */
interface Count {
  count: number;
  last: Uint8Array;
  readonly sinceMs: number;
}

/** Counts wrong secrets, of at most `MAX_WRONG_TOKEN_PEERS` origins. */
export class Guesses {
  readonly #clock: Clock;
  readonly #counts = new Map<string, Count>();

  /** @param clock Ends the window. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * True if an origin has sent so many different secrets that no more are
   * checked.
   */
  areTooMany(place: string): boolean {
    return (this.#current(place)?.count ?? 0) >= MAX_WRONG_TOKENS;
  }

  /**
   * Counts a wrong secret.
   *
   * @param digest The digest of the secret.
   * @returns False for the same secret as before, which is not a new guess.
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
    const count = { count: 1, last, sinceMs: this.#clock.monotonicMs() };
    putNewest(this.#counts, place, count, MAX_WRONG_TOKEN_PEERS);
  }
}
