/**
 * The users of one ShadowsocksR port, by the number they carry.
 *
 * @module
 */
import { ProtocolError } from "../../errors.ts";

/** A user: `uid:password`. */
export interface SsrUser {
  /** The name in the log and the counters. */
  readonly name: string;
  /** 32 bits. */
  readonly uid: number;
  /** Password in UTF-8. */
  readonly password: Uint8Array;
}

/** The users. Without any: every holder of the key may connect. */
export class SsrUsers {
  #users = new Map<number, SsrUser>();

  /**
   * Takes users as they are from now on; open sessions are not touched.
   *
   * @throws {RangeError} When two have the same number; nothing has changed
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
   * Takes one user in the place of another; open sessions are not touched.
   *
   * @param old Number of who is removed.
   * @throws {RangeError} When another user has the number of `next`; nothing
   * has changed then.
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
   * @returns `undefined` where there are no users.
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
