/**
 * The operator's token, and who has guessed at it too often.
 *
 * @module
 */
import { equalBytes } from "../bytes.ts";
import type { Clock } from "../clock.ts";
import { deriveSecret } from "../crypto/derived_secret.ts";
import { Guesses } from "./guesses.ts";

/** The result of the check of a token. */
export type TokenVerdict =
  | "right"
  | "missing"
  | "wrong"
  /**
   * The same wrong token as before: it is no other guess, so it is not counted.
   */
  | "repeated"
  /** Wrong, after too many others that were: no other log line is due. */
  | "blocked";

const PURPOSE = "umbra 2026-11-21 token of the operator's port";

/** Compares tokens. */
export class TokenCheck {
  readonly #digest: Uint8Array;
  readonly #guesses: Guesses;

  /**
   * Keeps no token, only its digest.
   *
   * @param clock Ends the window of wrong tokens.
   */
  constructor(token: string, clock: Clock) {
    this.#digest = deriveSecret(token, PURPOSE);
    this.#guesses = new Guesses(clock);
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
    if (this.#guesses.areTooMany(peer)) return "blocked";
    return this.#guesses.add(peer, digest) ? "wrong" : "repeated";
  }
}
