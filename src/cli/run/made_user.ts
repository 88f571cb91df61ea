/**
 * Users that were made at run time, as they are served and kept.
 *
 * @module
 */
import type { Method } from "../../crypto/method.ts";
import { CompactUser, type ServerUser } from "../../session/server_user.ts";
import type { StoredUser } from "../../users.ts";
import { ownPassword, userKey } from "../config/credentials.ts";
import { passwordSecret } from "../config/secrets.ts";

/** A user that was made at run time; its password only where its key has none. */
export class MadeUser extends CompactUser {
  readonly #method: Method;
  readonly #password: string | undefined;

  /**
   * Makes the user's key.
   *
   * @throws {ConfigError} When the password is none of the method's.
   */
  constructor(
    { name, password, limits, disabled }: Omit<StoredUser, "server">,
    method: Method,
  ) {
    const secret = passwordSecret(password, `user ${name}`);
    const user: ServerUser = {
      name,
      ...userKey(secret, method),
      ...Object.keys(limits).length > 0 && { limits },
      disabled,
    };
    super(user);
    this.#method = method;
    this.#password = ownPassword(user, method) === password
      ? undefined
      : password;
  }

  /** As it was given. Never logged. */
  get password(): string {
    return this.#password ?? ownPassword(this, this.#method)!;
  }

  /** The user as a server of this method serves it. */
  as(method: Method): MadeUser {
    return method === this.#method
      ? this
      : new MadeUser(this.stored(""), method);
  }

  /** The user as the store keeps it. */
  stored(server: string): StoredUser {
    const { name, password, limits = {}, disabled = false } = this;
    return { server, name, password, limits, disabled };
  }
}
