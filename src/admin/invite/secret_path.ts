/**
 * The secret paths at which users find what is theirs: their invitation, and
 * subscriptions in every form.
 *
 * Wire form: base64url(`server/name`) `.` base64url(proof), where the proof is
 * derived of the user's password. So nothing is stored, a new password makes a
 * new path, a user that is disabled or removed has none, and finding a user
 * takes one look-up, however many there are. Who knows the path knows the
 * password anyway: the content has it.
 *
 * Security: proofs are compared in constant time; wrong ones of one network
 * for one user are counted, whether there is such a user or not. No path is logged.
 *
 * @module
 */
import { equalBytes } from "../../bytes.ts";
import type { Clock } from "../../clock.ts";
import { decodeBase64, encodeBase64Url } from "../../codec/base64.ts";
import { networkOf } from "../../codec/ip_address.ts";
import { deriveSecret } from "../../crypto/derived_secret.ts";
import type { Operator, UserStatus } from "../operator.ts";
import { Guesses } from "../guesses.ts";

/** Whose path it is. */
export interface PathOwner {
  /** See `ServerStatus.id`. */
  readonly server: string;
  /** Name of the user. */
  readonly name: string;
  /** The user's own. */
  readonly password: string;
}

/** Who has been found at a path. */
export interface PathUser {
  /** See `ServerStatus.id`. */
  readonly server: string;
  readonly user: UserStatus;
  /** The link. Secret. */
  readonly uri: string;
}

/** Whom a document is for. */
export interface Invited extends PathUser {
  /**
   * The links to every server of the user's, that of {@link PathUser.uri} first.
   * Secret.
   */
  readonly uris: readonly string[];
}

// As old as the paths of SIP008 documents, which people have.
const PATH_PURPOSE = "umbra 2026-11-21 path of a SIP008 document";
const OWNER_PURPOSE = "umbra 2026-11-26 whose path was guessed at";

/** The secret segment of a user's paths: 256 bits that cannot be guessed. */
export function secretOf(owner: PathOwner): string {
  const user = new TextEncoder().encode(`${owner.server}/${owner.name}`);
  return `${encodeBase64Url(user)}.${encodeBase64Url(proofOf(owner))}`;
}

/** Finds users by their secrets, and counts wrong ones. */
export class SecretPaths {
  readonly #operator: Operator;
  readonly #guesses: Guesses;

  /** @param clock Ends the time in which wrong secrets are counted. */
  constructor(operator: Operator, clock: Clock) {
    this.#operator = operator;
    this.#guesses = new Guesses(clock);
  }

  /**
   * Finds the user of a secret.
   *
   * @param peer Address that asks.
   * @returns `undefined` when the secret is of no user; `"blocked"` when too many
   * wrong ones for this user came from its network, whatever this one is.
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
    // Also for a user that does not exist, so that the time does not give users away.
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

/** @returns Nothing for what is not base64url. */
function decode(text: string): Uint8Array {
  return decodeBase64(text) ?? new Uint8Array();
}
