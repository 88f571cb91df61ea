/**
 * Users of the fleet, and users that were made or changed at run time.
 *
 * @module
 */
import type { Method } from "../../crypto/method.ts";
import { CompactUser, type ServerUser } from "../../session/server_user.ts";
import type { StoredUser } from "../../users.ts";
import { userKey } from "../config/credentials.ts";
import { passwordSecret } from "../config/secrets.ts";

/** A user that differs from the configuration. */
export class MadeUser extends CompactUser {
  /** The method of the user's key. */
  readonly method: Method;
  /** See `UserStatus.origin`. */
  readonly origin: "api" | "changed" | "fleet";
  readonly #password: string;

  /**
   * Makes the user's key.
   *
   * @param filed The user of the configuration, whose key is used if there is
   * no password.
   * @param isOfFleet True for a user of the fleet.
   * @throws {ConfigError} If the password is invalid for the method.
   */
  constructor(
    { name, password, limits, disabled, standing }: StoredUser,
    method: Method,
    { filed, isOfFleet = false }: {
      readonly filed?: ServerUser | undefined;
      readonly isOfFleet?: boolean;
    } = {},
  ) {
    const key = password === "" && filed !== undefined
      ? {
        masterKey: filed.masterKey,
        ...filed.uid !== undefined && { uid: filed.uid },
      }
      : userKey(passwordSecret(password, `user ${name}`), method);
    super({
      name,
      ...key,
      ...Object.keys(limits).length > 0 && { limits },
      disabled,
    });
    this.method = method;
    this.origin = isOfFleet
      ? "fleet"
      : standing === "changed"
      ? "changed"
      : "api";
    this.#password = password;
  }

  /**
   * The password; not set if the password of the configuration applies. Secret;
   * must not be logged.
   */
  get password(): string | undefined {
    return this.#password === "" ? undefined : this.#password;
  }
}
