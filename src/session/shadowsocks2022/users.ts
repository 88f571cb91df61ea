/**
 * The users of one Shadowsocks 2022 server, found by the hash of their key in
 * constant time, however many there are.
 *
 * Source: SIP023.
 *
 * @module
 */
import type { Psk } from "../../crypto/psk.ts";
import { ProtocolError } from "../../errors.ts";
import { HashIndex } from "./hash_index.ts";

/** One user. */
export interface User2022 {
  /** The name in the log and the counters. */
  readonly name: string;
  /** The user's own key. */
  readonly psk: Psk;
}

/** The part of the users that sessions need. */
export type UserTable = Pick<Users2022, "size" | "find">;

/** How users are stored in a table. */
export interface UserForm<T> {
  /** Returns the hash of the user's key, 16 bytes. */
  identity(user: T): Uint8Array;
  /** Returns the user with its key, when it connects. */
  open(user: T): User2022;
}

const OPENED: UserForm<User2022> = {
  identity: ({ psk }) => psk.identityHash,
  open: (user) => user,
};

/** A table of users by the hash of their key. */
export class Users2022<T extends { readonly name: string } = User2022> {
  readonly #form: UserForm<T>;
  #index = new HashIndex<T>();

  /**
   * Makes a table.
   *
   * @param form Default: users are stored with their keys.
   * @throws {RangeError} If two users have the same key.
   */
  constructor(
    users: Iterable<T>,
    form: UserForm<T> = OPENED as unknown as UserForm<T>,
  ) {
    this.#form = form;
    this.set(users);
  }

  /** The number of users. */
  get size(): number {
    return this.#index.size;
  }

  /**
   * Replaces the users; open sessions stay.
   *
   * @throws {RangeError} If two users have the same key; nothing has changed
   * then.
   */
  set(users: Iterable<T>): void {
    const index = new HashIndex<T>();
    for (const user of users) {
      const hash = this.#form.identity(user);
      const other = index.get(hash);
      if (other !== undefined) throw alike(other, user);
      index.set(hash, user);
    }
    this.#index = index;
  }

  /**
   * Replaces one user; open sessions stay.
   *
   * @param old The user that is removed.
   * @throws {RangeError} If another user has the key of `next`; nothing has
   * changed then.
   */
  replace(old: T | undefined, next: T | undefined): void {
    const hash = next && this.#form.identity(next);
    const other = hash && this.#index.get(hash);
    if (other !== undefined && other.name !== old?.name) {
      throw alike(other, next!);
    }
    if (old !== undefined) this.#index.delete(this.#form.identity(old));
    if (hash !== undefined) this.#index.set(hash, next!);
  }

  /**
   * Finds the user of an identity header.
   *
   * @param hash The 16 bytes of the header.
   * @throws {ProtocolError} `ERR_SS_USER_UNKNOWN`.
   */
  find(hash: Uint8Array): User2022 {
    const user = this.#index.get(hash);
    if (user !== undefined) return this.#form.open(user);
    throw new ProtocolError(
      "ERR_SS_USER_UNKNOWN",
      "Cannot accept request: its identity header matches no user",
    );
  }
}

function alike(
  one: { readonly name: string },
  other: { readonly name: string },
): RangeError {
  return new RangeError(
    `Users ${one.name} and ${other.name} have the same key`,
  );
}
