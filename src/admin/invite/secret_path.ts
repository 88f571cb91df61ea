/**
 * The secret paths of users: of their invitation, and of subscriptions in every
 * format.
 *
 * Wire form: base64url(`server/name`) `.` base64url(proof), where the proof is
 * derived from the user's password. So nothing is stored, a new password
 * changes the path, a disabled or removed user has no path, and finding a user
 * takes one lookup, independent of the number of users. Everyone with the path
 * learns the password anyway, because the content contains it.
 *
 * Security: proofs are compared in constant time. Wrong proofs from one network
 * for one user are counted, even if the user does not exist. No path is logged.
 *
 * @module
 */
import { equalBytes } from "../../bytes.ts";
import type { Clock } from "../../clock.ts";
import { decodeBase64, encodeBase64Url } from "../../codec/base64.ts";
import { networkOf } from "../../codec/ip_address.ts";
import { deriveSecret } from "../../crypto/derived_secret.ts";
import type { UsedBytes } from "../../fleet.ts";
import type { Operator, UserStatus } from "../operator.ts";
import { Guesses } from "../guesses.ts";

/** The owner of a path. */
export interface PathOwner {
  /** See `ServerStatus.id`. */
  readonly server: string;
  /** Name of the user. */
  readonly name: string;
  /** The user's own password. */
  readonly password: string;
}

/** The user of a path. */
export interface PathUser {
  /** See `ServerStatus.id`. */
  readonly server: string;
  readonly user: UserStatus;
  /** The link. Secret. */
  readonly uri: string;
}

/** The user of a document, with all links. */
export interface Invited extends PathUser {
  /**
   * The links to all servers of the user, that of {@link PathUser.uri} first.
   * Secret.
   */
  readonly uris: readonly string[];
  /**
   * The bytes that the user has used; `undefined` if they are not known at
   * present.
   */
  readonly used: UsedBytes | undefined;
}

// The value must not change: users have saved the addresses of SIP008
// documents.
const PATH_PURPOSE = "umbra 2026-11-21 path of a SIP008 document";
const OWNER_PURPOSE = "umbra 2026-11-26 whose path was guessed at";

/**
 * Returns the secret segment of a user's paths, which contains a proof of 256
 * bits.
 */
export function secretOf(owner: PathOwner): string {
  const user = new TextEncoder().encode(`${owner.server}/${owner.name}`);
  return `${encodeBase64Url(user)}.${encodeBase64Url(proofOf(owner))}`;
}

/** Finds users by their secrets, and counts wrong secrets. */
export class SecretPaths {
  readonly #operator: Operator;
  readonly #guesses: Guesses;

  /** @param clock Measures the time for which wrong secrets are counted. */
  constructor(operator: Operator, clock: Clock) {
    this.#operator = operator;
    this.#guesses = new Guesses(clock);
  }

  /**
   * Finds the user of a secret.
   *
   * @param peer IP address of the client.
   * @returns `undefined` if the secret is wrong; `"blocked"` if too many wrong
   * secrets for this user came from the client's network, even if this one is
   * right.
   */
  find(secret: string, peer: string): PathUser | "blocked" | undefined {
    const [, owner = "", proof = ""] = /^([\w-]+)\.([\w-]{43})$/
      .exec(secret) ?? [];
    const digest = deriveSecret(owner, OWNER_PURPOSE);
    const place = `${networkOf(peer)} ${encodeBase64Url(digest)}`;
    if (this.#guesses.areTooMany(place)) return "blocked";
    const invited = this.#open(decode(owner), decode(proof));
    if (invited === undefined) {
      this.#guesses.add(place, deriveSecret(secret, OWNER_PURPOSE));
    }
    return invited;
  }

  #open(owner: Uint8Array, proof: Uint8Array): PathUser | undefined {
    const [, server = "", name = ""] = /^([^/]*)\/(.+)$/s
      .exec(new TextDecoder().decode(owner)) ?? [];
    const user = this.#operator.user(server, name);
    const credentials = user && this.#operator.credentials(server, name);
    // The proof is computed even if the user does not exist, so that the time
    // does not reveal which users exist.
    const password = credentials?.password ?? "";
    const right = proofOf({ server, name, password });
    if (!equalBytes(proof, right)) return undefined;
    if (!user || user.disabled || !credentials) return undefined;
    return { server, user, uri: credentials.uri };
  }
}

function proofOf({ server, name, password }: PathOwner): Uint8Array {
  return deriveSecret(JSON.stringify([server, name, password]), PATH_PURPOSE);
}

/** @returns No bytes if the text is not base64url. */
function decode(text: string): Uint8Array {
  return decodeBase64(text) ?? new Uint8Array();
}
