/**
 * The operator's token, and who has guessed at it too often.
 *
 * @module
 */
import { equalBytes } from "../bytes.ts";
import type { Clock } from "../clock.ts";
import { deriveSecret } from "../crypto/derived_secret.ts";
import {
  MAX_WRONG_TOKEN_PEERS,
  MAX_WRONG_TOKENS,
  WRONG_TOKEN_WINDOW_MS,
} from "../limits.ts";

/** What becomes of a request, by its token. */
export type TokenVerdict =
  | "right"
  | "missing"
  | "wrong"
  /** The same wrong one as before: no other guess, so it is not counted. */
  | "repeated"
  /** Wrong, after too many others that were: no other log line is due. */
  | "blocked";

/** Wrong tokens of one address in a window. */
interface Guesses {
  count: number;
  last: Uint8Array | undefined;
  readonly sinceMs: number;
}

const PURPOSE = "umbra 2026-11-21 token of the operator's port";

/** Compares tokens. */
export class TokenCheck {
  readonly #digest: Uint8Array;
  readonly #clock: Clock;
  readonly #guesses = new Map<string, Guesses>();

  /**
   * Keeps no token, only its digest.
   *
   * @param clock Ends the window of wrong tokens.
   */
  constructor(token: string, clock: Clock) {
    this.#digest = deriveSecret(token, PURPOSE);
    this.#clock = clock;
  }

  /**
   * Judges one request. The right token is always taken: wrong ones of a
   * program that shares its address never lock the operator out.
   *
   * @param authorization Value of the header.
   * @param peer Address it came from.
   */
  check(authorization: string | null, peer: string): TokenVerdict {
    if (authorization === null) return "missing";
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? "";
    const digest = deriveSecret(token, PURPOSE);
    if (equalBytes(digest, this.#digest)) return "right";
    const guesses = this.#guessesOf(peer);
    if (guesses.count >= MAX_WRONG_TOKENS) return "blocked";
    if (guesses.last && equalBytes(digest, guesses.last)) return "repeated";
    guesses.count++;
    guesses.last = digest;
    this.#guesses.set(peer, guesses);
    return "wrong";
  }

  #guessesOf(peer: string): Guesses {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#guesses.get(peer);
    if (known && nowMs - known.sinceMs < WRONG_TOKEN_WINDOW_MS) return known;
    this.#guesses.delete(peer);
    if (this.#guesses.size >= MAX_WRONG_TOKEN_PEERS) {
      const [oldest] = this.#guesses.keys();
      this.#guesses.delete(oldest!);
    }
    return { count: 0, last: undefined, sinceMs: nowMs };
  }
}
