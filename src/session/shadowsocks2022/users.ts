/**
 * The users of one server of Shadowsocks 2022, found by the hash of their key
 * in constant time, however many there are.
 *
 * Source: SIP023.
 *
 * @module
 */
import { fromLatin1 } from "../../bytes.ts";
import type { Psk } from "../../crypto/psk.ts";
import { ProtocolError } from "../../errors.ts";

/** One user. */
export interface User2022 {
  /** For the log and the counters. */
  readonly name: string;
  /** The user's own key. */
  readonly psk: Psk;
  /** Hash of the key as text; not set: that of `psk`. */
  readonly identity?: string;
}

/** Users by the hash of their key. */
export class Users2022 {
  #byHash = new Map<string, User2022>();

  /**
   * Builds the table.
   *
   * @throws {RangeError} When two users have the same key.
   */
  constructor(users: Iterable<User2022>) {
    this.set(users);
  }

  /** How many there are. */
  get size(): number {
    return this.#byHash.size;
  }

  /**
   * Puts others in their place; open sessions are not touched.
   *
   * @throws {RangeError} When two users have the same key; nothing has changed
   * then.
   */
  set(users: Iterable<User2022>): void {
    const byHash = new Map<string, User2022>();
    for (const user of users) {
      const key = identityOf(user);
      const other = byHash.get(key);
      if (other !== undefined) {
        throw new RangeError(
          `Users ${other.name} and ${user.name} have the same key`,
        );
      }
      byHash.set(key, user);
    }
    this.#byHash = byHash;
  }

  /**
   * Puts one user in the place of another; open sessions are not touched.
   *
   * @param old Who is removed.
   * @throws {RangeError} When another user has the key of `next`; nothing has
   * changed then.
   */
  replace(old: User2022 | undefined, next: User2022 | undefined): void {
    const gone = old && identityOf(old);
    const key = next && identityOf(next);
    const other = key === undefined || key === gone
      ? undefined
      : this.#byHash.get(key);
    if (other !== undefined) {
      throw new RangeError(
        `Users ${other.name} and ${next!.name} have the same key`,
      );
    }
    if (gone !== undefined) this.#byHash.delete(gone);
    if (key !== undefined) this.#byHash.set(key, next!);
  }

  /**
   * The user of an identity header.
   *
   * @param hash What the header said, 16 bytes.
   * @throws {ProtocolError} `ERR_SS_USER_UNKNOWN`.
   */
  find(hash: Uint8Array): User2022 {
    const user = this.#byHash.get(fromLatin1(hash));
    if (user !== undefined) return user;
    throw new ProtocolError(
      "ERR_SS_USER_UNKNOWN",
      "Cannot accept request: its identity header names no user",
    );
  }
}

function identityOf(user: User2022): string {
  return user.identity ?? fromLatin1(user.psk.identityHash);
}
