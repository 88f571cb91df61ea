/**
 * What a configuration file says of the users of a server.
 *
 * @module
 */
import * as v from "valibot";
import { type UserLimits, userNameFault } from "../../users.ts";
import type { ConfigObject } from "./config_file.ts";
import {
  count,
  flag,
  type Keys,
  numberOrText,
  password,
  text,
  textAs,
} from "./config_keys.ts";
import type { Secret, Secrets } from "./secrets.ts";
import {
  DATE_EXPECTED,
  RATE_EXPECTED,
  readDate,
  readRate,
  readSize,
  SIZE_EXPECTED,
} from "./values.ts";

/** A user of a server. */
export interface UserSettings {
  /** For the log and the counters. */
  readonly name: string;
  /** What the user's key is made of. */
  readonly secret: Secret;
  /** What the user is allowed; not set: everything. */
  readonly limits?: UserLimits;
  /** Set: may not connect at present. */
  readonly disabled?: true;
}

const USER = v.object({
  name: text("Name of the user in the log and the counters; unique"),
  password: password(
    "Password of the user, base64 key with a 2022 method; ${NAME} is a " +
      "variable of the environment",
  ),
  password_file: text(
    "File with the password in its one line, relative to this file",
  ),
  key: text("The key itself in base64, instead of a password"),
  disabled: flag("Keep the user, but let nobody connect as it"),
  quota_bytes: numberOrText({
    about: "Payload the user may move, both directions together",
    expected: SIZE_EXPECTED,
    read: readSize,
  }),
  bytes_per_second: numberOrText({
    about: "Payload a second, each direction by itself",
    expected: RATE_EXPECTED,
    read: readRate,
  }),
  max_connections: count("Connections of the user at once"),
  max_hosts: count("Client addresses of the user at once"),
  expires: textAs({
    about: "When the user may no longer connect; a day starts at 00:00 UTC",
    expected: DATE_EXPECTED,
    read: readDate,
  }),
}, "an object");

/** The keys of one of `users`. */
export const USER_KEYS: Keys = USER.entries;

/**
 * One user of a server.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function userFromObject(
  object: ConfigObject,
  secrets: Secrets,
): UserSettings {
  const user = object.read(USER);
  const secret = secrets.fromObject(object, user);
  if (user.name === undefined) throw object.wrong("name", "text");
  const fault = userNameFault(user.name);
  if (fault !== undefined) throw object.wrong("name", `another: it ${fault}`);
  if (secret === undefined) {
    throw object.wrong("password", 'text, or "password_file", or "key"');
  }
  const limits = {
    quotaBytes: user.quota_bytes,
    bytesPerSecond: user.bytes_per_second,
    maxConnections: user.max_connections,
    maxHosts: user.max_hosts,
    expiresUnixMs: user.expires,
  };
  const set = Object.entries(limits).filter(([, one]) => one !== undefined);
  return {
    name: user.name,
    secret,
    ...(set.length > 0 && { limits: Object.fromEntries(set) }),
    ...(user.disabled && { disabled: true }),
  };
}
