/**
 * Users that were made at run time, or are of a fleet, as they are served.
 *
 * @module
 */
import type { Method } from "../../crypto/method.ts";
import { CompactUser, type ServerUser } from "../../session/server_user.ts";
import type { StoredUser } from "../../users.ts";
import { userKey } from "../config/credentials.ts";
import { passwordSecret } from "../config/secrets.ts";

/** A user that is not, or no more, as the configuration has it. */
export class MadeUser extends CompactUser {
  /** The method that the key is of. */
  readonly method: Method;
  /** See `UserStatus.origin`. */
  readonly origin: "api" | "changed" | "fleet";
  readonly #password: string;

  /**
   * Makes the user's key.
   *
   * @param filed As the configuration has it: its key is the user's where there
   * is no password.
   * @param isOfFleet True if the user is of a fleet.
   * @throws {ConfigError} When the password is none of the method's.
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

  /** As it was given; not set: that of the configuration. Never logged. */
  get password(): string | undefined {
    return this.#password === "" ? undefined : this.#password;
  }
}
