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

/**
 * Returns the check of one request, with the value of its header and the address
 * of the client. The right token is always accepted: wrong tokens of another
 * program at the same address cannot lock the operator out.
 *
 * @param token Only its digest is kept.
 * @param clock Ends the window of wrong tokens.
 */
export function tokenCheck(
  token: string,
  clock: Clock,
): (authorization: string | null, peer: string) => TokenVerdict {
  const right = deriveSecret(token, PURPOSE);
  const guesses = new Guesses(clock);
  return (authorization, peer) => {
    if (authorization === null) return "missing";
    const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? "";
    const digest = deriveSecret(given, PURPOSE);
    if (equalBytes(digest, right)) return "right";
    if (guesses.areTooMany(peer)) return "blocked";
    return guesses.add(peer, digest) ? "wrong" : "repeated";
  };
}
