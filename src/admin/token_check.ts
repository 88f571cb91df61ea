/**
 * Checks the operator's token, and limits wrong guesses.
 *
 * @module
 */
import { equalBytes } from "../bytes.ts";
import type { Clock } from "../clock.ts";
import { deriveSecret } from "../crypto/derived_secret.ts";
import { Guesses } from "./guesses.ts";

/** The result of a check. */
export type TokenVerdict =
  | "right"
  | "missing"
  | "wrong"
  /** The same wrong token as before. It is not a new guess and not counted. */
  | "repeated"
  /** Wrong after too many other wrong tokens; nothing more is logged. */
  | "blocked";

const PURPOSE = "umbra 2026-11-21 token of the operator's port";

/** Compares tokens. */
export class TokenCheck {
  readonly #digest: Uint8Array;
  readonly #guesses: Guesses;

  /**
   * Keeps only the digest of the token.
   *
   * @param clock Ends the window of wrong tokens.
   */
  constructor(token: string, clock: Clock) {
    this.#digest = deriveSecret(token, PURPOSE);
    this.#guesses = new Guesses(clock);
  }

  /**
   * Checks one request. The right token is always accepted: wrong tokens of
   * another program at the same address cannot lock the operator out.
   *
   * @param authorization Value of the header.
   * @param peer Address of the client.
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
