/**
 * Users that were made at run time, as they are served and kept.
 *
 * @module
 */
import type { Method } from "../../crypto/method.ts";
import { CompactUser, type ServerUser } from "../../session/server_user.ts";
import type { StoredUser } from "../../users.ts";
import { userKey } from "../config/credentials.ts";
import { passwordSecret } from "../config/secrets.ts";

/** A user that was made, or changed, at run time. */
export class MadeUser extends CompactUser {
  /** The method that the key is of. */
  readonly method: Method;
  /** See `UserStatus.origin`. */
  readonly origin: "api" | "changed";
  readonly #password: string;

  /**
   * Makes the user's key.
   *
   * @param filed As the configuration has it: its key is the user's where there
   * is no password.
   * @throws {ConfigError} When the password is none of the method's.
   */
  constructor(
    { name, password, limits, disabled, standing }: StoredUser,
    method: Method,
    filed: ServerUser | undefined,
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
    this.origin = standing === "changed" ? "changed" : "api";
    this.#password = password;
  }

  /** As it was given; not set: that of the configuration. Never logged. */
  get password(): string | undefined {
    return this.#password === "" ? undefined : this.#password;
  }
}
