/**
 * The users of one server of Shadowsocks 2022, found by the hash of their key
 * in constant time, however many there are.
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

/** The form in which users are held. */
export interface UserForm<T> {
  /** Hash of the user's key, 16 bytes. */
  identity(user: T): Uint8Array;
  /** The user with its key, when it comes. */
  open(user: T): User2022;
}

const OPENED: UserForm<User2022> = {
  identity: ({ psk }) => psk.identityHash,
  open: (user) => user,
};

/** Users by the hash of their key. */
export class Users2022<T extends { readonly name: string } = User2022> {
  readonly #form: UserForm<T>;
  #index = new HashIndex<T>();

  /**
   * Builds the table.
   *
   * @param form Default: users are held with their keys.
   * @throws {RangeError} When two users have the same key.
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
   * Puts others in their place; open sessions are not touched.
   *
   * @throws {RangeError} When two users have the same key; nothing has changed
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
   * Puts one user in the place of another; open sessions are not touched.
   *
   * @param old Who is removed.
   * @throws {RangeError} When another user has the key of `next`; nothing has
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
   * The user of an identity header.
   *
   * @param hash What the header said, 16 bytes.
   * @throws {ProtocolError} `ERR_SS_USER_UNKNOWN`.
   */
  find(hash: Uint8Array): User2022 {
    const user = this.#index.get(hash);
    if (user !== undefined) return this.#form.open(user);
    throw new ProtocolError(
      "ERR_SS_USER_UNKNOWN",
      "Cannot accept request: its identity header names no user",
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
