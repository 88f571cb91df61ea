/**
 * Passwords and keys as they are written → the keys of both roles.
 *
 * @module
 */
import { findMethod, type Method } from "../../crypto/method.ts";
import { ConfigError } from "../../errors.ts";
import { MAX_TRIAL_USERS } from "../../limits.ts";
import { readKeys } from "../../session/families.ts";
import type { ClientKeys, ServerKeys } from "../../session/family.ts";
import type { ServerUser } from "../../session/server_user.ts";
import { DEFAULT_METHOD } from "../commands/defaults.ts";
import {
  locate,
  PASSWORD_VARIABLE,
  type Secret,
  type Secrets,
} from "./secrets.ts";
import type { ServerSettings } from "./server_settings.ts";

/** The method of a server, or the default one. */
export function methodOf(server: ServerSettings): Method {
  return server.method ?? findMethod(DEFAULT_METHOD);
}

/**
 * The server, with the password of the environment where it needs one and has
 * none.
 *
 * @throws {ConfigError} When the environment may not be read.
 */
export function withSecret(
  server: ServerSettings,
  secrets: Secrets,
): ServerSettings {
  if (server.secret !== undefined || !needsSecret(server)) return server;
  return {
    ...server,
    secret: locate(noSecret(server), () => secrets.fromEnvironment()),
  };
}

/**
 * The secret of a server.
 *
 * @throws {ConfigError} When there is none.
 */
export function secretOf(server: ServerSettings): Secret {
  if (server.secret !== undefined) return server.secret;
  throw new ConfigError("ERR_CONFIG_VALUE", noSecret(server));
}

/** Where keys are tried, the users' passwords may be all there are. */
function needsSecret(server: ServerSettings): boolean {
  return server.users === undefined || methodOf(server).userKind !== "trial";
}

function noSecret({ origin, hint = "" }: ServerSettings): string {
  return `${origin}: no password: give -k PASSWORD, --password-file FILE, ` +
    '--key BASE64, "password" or "password_file" in the file, or ' +
    `${PASSWORD_VARIABLE} in the environment${hint}`;
}

/**
 * A secret as clients and `ss://` URIs have it.
 *
 * @returns `undefined` for a raw key of 2017, which no password makes.
 */
export function passwordOf(
  { kind, text }: Secret,
  method: Method,
): string | undefined {
  return kind === "password" || method.family.keyKind === "base64"
    ? text
    : undefined;
}

/**
 * What a user's client has as its password: with 2022, the server's key stands
 * before the user's own.
 *
 * @param serverKey The server's own; not set where only users have one.
 * @param own The user's.
 */
export function userPassword(
  method: Method,
  { serverKey, own }: {
    readonly serverKey: string | undefined;
    readonly own: string;
  },
): string {
  return method.userKind === "identity" && serverKey !== undefined
    ? `${serverKey}:${own}`
    : own;
}

/**
 * The keys of `ss-local` for one server. A password of a 2022 method may be a
 * chain: the servers' identity keys, then the user's own.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function clientKeys(server: ServerSettings): ClientKeys {
  const method = methodOf(server);
  if (server.users !== undefined) {
    throw wrong(
      server,
      '"users" are for ss-server; the password of one of them here is ' +
        "IDENTITY_KEY:USER_KEY with a 2022 method, else its own",
    );
  }
  const chain = keysOf(secretOf(server), method);
  const identityKeys = chain.slice(0, -1);
  return {
    method,
    masterKey: chain.at(-1)!,
    ...(identityKeys.length > 0 && { identityKeys }),
  };
}

/**
 * The keys of `ss-server`.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function serverKeys(server: ServerSettings): ServerKeys {
  const method = methodOf(server);
  const users = usersOf(server, method);
  const secret = needsSecret(server) ? secretOf(server) : server.secret;
  return {
    method,
    ...(secret && { masterKey: onlyKey(secret, method) }),
    ...(users.length > 0 && { users }),
  };
}

/** The users, each with a name and a key that no other has. */
function usersOf(server: ServerSettings, method: Method): ServerUser[] {
  const settings = server.users ?? [];
  if (settings.length === 0) return [];
  if (method.userKind === "none") {
    throw wrong(
      server,
      `${method.name} has no identity headers, so it cannot have "users"; ` +
        "the 2022 methods with AES have",
    );
  }
  if (method.userKind === "trial" && settings.length > MAX_TRIAL_USERS) {
    throw wrong(
      server,
      `${settings.length} users are too many for ${method.name}, which tries ` +
        `every key: ${MAX_TRIAL_USERS} at most; the 2022 methods with AES ` +
        "take any number",
    );
  }
  const names = new Set<string>();
  const keys = new Map<string, string>();
  return settings.map(({ name, secret, limits, disabled }) => {
    const masterKey = onlyKey(secret, method);
    const text = masterKey.join();
    const twin = keys.get(text);
    if (names.has(name)) throw wrong(server, `two users are named "${name}"`);
    if (twin !== undefined) {
      throw wrong(server, `users "${twin}" and "${name}" have the same key`);
    }
    names.add(name);
    keys.set(text, name);
    return {
      name,
      masterKey,
      ...(limits && { limits }),
      ...(disabled && { disabled }),
    };
  });
}

/**
 * The one key that a secret makes.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function onlyKey(secret: Secret, method: Method): Uint8Array {
  const [key, second] = keysOf(secret, method);
  if (second !== undefined) {
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      `${secret.origin}: a server has one key; its users stand in "users"`,
    );
  }
  return key!;
}

/** At least one key; several only with a 2022 method. */
function keysOf({ kind, text, origin }: Secret, method: Method): Uint8Array[] {
  return locate(origin, () => readKeys(text, method, kind));
}

function wrong(server: ServerSettings, what: string): ConfigError {
  return new ConfigError("ERR_CONFIG_VALUE", `${server.origin}: ${what}`);
}
