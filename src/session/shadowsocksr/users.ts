/**
 * The users of one ShadowsocksR port, by their ids.
 *
 * @module
 */
import { ProtocolError } from "../../errors.ts";

/** A user: `uid:password`. */
export interface SsrUser {
  /** The name in the log and the counters. */
  readonly name: string;
  /** The user's id, 32 bits. */
  readonly uid: number;
  /** The password in UTF-8. */
  readonly password: Uint8Array;
}

/**
 * A table of users. If it is empty, every holder of the port's key may connect.
 */
export class SsrUsers {
  #users = new Map<number, SsrUser>();

  /**
   * Replaces the users; open sessions stay.
   *
   * @throws {RangeError} If two users have the same id; nothing has changed
   * then.
   */
  set(users: readonly SsrUser[]): void {
    const table = new Map<number, SsrUser>();
    for (const user of users) {
      const other = table.get(user.uid);
      if (other !== undefined) {
        throw new RangeError(
          `Users ${other.name} and ${user.name} have the same uid ${user.uid}`,
        );
      }
      table.set(user.uid, user);
    }
    this.#users = table;
  }

  /**
   * Replaces one user; open sessions stay.
   *
   * @param old The id of the user that is removed.
   * @throws {RangeError} If another user has the id of `next`; nothing has
   * changed then.
   */
  replace(old: number | undefined, next: SsrUser | undefined): void {
    const other = next === undefined || next.uid === old
      ? undefined
      : this.#users.get(next.uid);
    if (other !== undefined) {
      throw new RangeError(
        `Users ${other.name} and ${next!.name} have the same uid ${other.uid}`,
      );
    }
    if (old !== undefined) this.#users.delete(old);
    if (next !== undefined) this.#users.set(next.uid, next);
  }

  /**
   * Finds a user.
   *
   * @returns `undefined` if the table is empty.
   * @throws {ProtocolError} `ERR_SS_USER_UNKNOWN`.
   */
  find(uid: number): SsrUser | undefined {
    if (this.#users.size === 0) return undefined;
    const user = this.#users.get(uid);
    if (user !== undefined) return user;
    throw new ProtocolError(
      "ERR_SS_USER_UNKNOWN",
      `Cannot accept request: there is no user with uid ${uid}`,
    );
  }
}
