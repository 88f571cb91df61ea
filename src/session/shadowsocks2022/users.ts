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
}

/** Users by the hash of their key. */
export class Users2022 {
  #byHash: ReadonlyMap<string, User2022> = new Map();

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
      const key = fromLatin1(user.psk.identityHash);
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
