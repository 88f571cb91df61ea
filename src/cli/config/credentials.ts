/**
 * Turns passwords and keys of the configuration into the keys of both roles.
 *
 * @module
 */
import { fromLatin1 } from "../../bytes.ts";
import { findMethod, type Method } from "../../crypto/method.ts";
import { badValue, type ConfigError } from "../../errors.ts";
import { MAX_TRIAL_USERS } from "../../limits.ts";
import { readKeys } from "../../session/families.ts";
import { parseSsrUser, parseSsrUsers } from "../../codec/ssr_config.ts";
import type {
  ClientKeys,
  ServerKeys,
  SsrClientSettings,
  SsrSettings,
} from "../../session/family.ts";
import { LIGHTSOCKS_METHOD } from "../../session/lightsocks/method.ts";
import {
  readSaltPrefix,
  saltPrefixWarning,
} from "../../session/shadowsocks2017/salt_prefix.ts";
import { ssrMethod } from "../../session/shadowsocksr/method.ts";
import type { LimitedUser } from "../../service/server/account.ts";
import { CompactUser, type ServerUser } from "../../session/server_user.ts";
import type { UserLimits } from "../../users.ts";
import { DEFAULT_METHOD, SSR_METHOD } from "../commands/defaults.ts";
import {
  locate,
  PASSWORD_VARIABLE,
  type Secret,
  type Secrets,
} from "./secrets.ts";
import type { ServerSettings, UserSettings } from "./server_settings.ts";

/**
 * Returns the method of a server, or the default method.
 *
 * @throws {ConfigError} If ShadowsocksR does not have the method, or a file has
 * a password and no method: the key of the method may be misspelt.
 */
export function methodOf(server: ServerSettings): Method {
  const { method, wire, obfs } = server;
  if (wire === "lightsocks") return LIGHTSOCKS_METHOD;
  if (wire === undefined && obfs === undefined) {
    if (method === undefined && isFiled(server)) {
      throw wrong(
        server,
        'no "method" beside the password: give the method of the other end; ' +
          `the earlier default was ${DEFAULT_METHOD}${server.hint ?? ""}`,
      );
    }
    return method ?? findMethod(DEFAULT_METHOD);
  }
  const chosen = method ?? findMethod(SSR_METHOD, { allowLegacy: true });
  if ("ivLength" in chosen) return ssrMethod(chosen);
  throw wrong(
    server,
    `ShadowsocksR has no method ${chosen.name}, only stream ciphers such as ` +
      `${SSR_METHOD}; leave protocol and obfs out for Shadowsocks`,
  );
}

/** True if a file contains a password of the server or of a user. */
function isFiled({ secret, users = [] }: ServerSettings): boolean {
  return secret?.inFile === true || users.some(({ secret }) => secret.inFile);
}

/**
 * Returns the server, with the password of the environment if it needs one and
 * has none.
 *
 * @throws {ConfigError} If the environment may not be read.
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
 * Returns the secret of a server.
 *
 * @throws {ConfigError} If there is none.
 */
export function secretOf(server: ServerSettings): Secret {
  if (server.secret !== undefined) return server.secret;
  throw badValue(noSecret(server));
}

/**
 * True if the server needs a secret of its own. A server that tries the keys of
 * its users needs none.
 */
function needsSecret(server: ServerSettings): boolean {
  const { keyLength, userKind } = methodOf(server);
  if (keyLength === 0) return false;
  return server.users === undefined || userKind !== "trial";
}

function noSecret({ origin, hint = "" }: ServerSettings): string {
  return `${origin}: no password: give -k PASSWORD, --password-file FILE, ` +
    '--key BASE64, "password" or "password_file" in the file, or ' +
    `${PASSWORD_VARIABLE} in the environment${hint}`;
}

/**
 * Returns a secret in the form of clients and `ss://` URIs.
 *
 * @returns `undefined` for a raw key of a 2017 method, which has no password.
 */
export function passwordOf(
  { kind, text }: Secret,
  method: Method,
): string | undefined {
  if (method.family.name === "lightsocks") return text;
  return kind === "password" || method.family.keyKind === "base64"
    ? text
    : undefined;
}

/**
 * Returns the password that a user's client is configured with. With a 2022
 * method the key of the server comes before the user's own.
 *
 * @param serverKey The server's own secret; not set if only users have secrets.
 * @param own The secret of the user.
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
 * Returns the keys of `ss-local` for one server. A password of a 2022 method
 * may be a chain: the identity keys of the servers, then the user's own key.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function clientKeys(server: ServerSettings): ClientKeys {
  const method = methodOf(server);
  if (server.users !== undefined) {
    throw wrong(
      server,
      '"users" are for ss-server; the password of a client is ' +
        "IDENTITY_KEY:USER_KEY with a 2022 method, else its own",
    );
  }
  const chain = method.keyLength === 0
    ? [NO_KEY]
    : keysOf(secretOf(server), method);
  const identityKeys = chain.slice(0, -1);
  return {
    method,
    masterKey: chain.at(-1)!,
    ...(identityKeys.length > 0 && { identityKeys }),
    ...(method.userKind === "uid" && { ssr: ssrClient(server) }),
    ...saltPrefixes(server, method),
  };
}

/** Returns the prefixes of a client's salts. */
function saltPrefixes(
  { origin, prefix, packetPrefix }: ServerSettings,
  method: Method,
): Pick<ClientKeys, "saltPrefix" | "packetSaltPrefix"> {
  const read = (text: string): Uint8Array =>
    locate(origin, () => readSaltPrefix(text, method));
  return {
    ...(prefix && { saltPrefix: read(prefix) }),
    ...(packetPrefix && { packetSaltPrefix: read(packetPrefix) }),
  };
}

/**
 * Returns a warning for each server whose prefix leaves few random bytes in the
 * salt.
 */
export function prefixWarnings(servers: readonly ServerSettings[]): string[] {
  return servers.flatMap((server) => {
    const method = methodOf(server);
    const { saltPrefix, packetSaltPrefix } = saltPrefixes(server, method);
    const prefix = saltPrefix ?? packetSaltPrefix;
    const warning = prefix && saltPrefixWarning(prefix, method);
    return warning === undefined ? [] : [`${server.origin}: ${warning}`];
  });
}

/**
 * Returns the keys of `ss-server`.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function serverKeys(server: ServerSettings): ServerKeys {
  const method = methodOf(server);
  const users = usersOf(server, method);
  const secret = needsSecret(server) ? secretOf(server) : server.secret;
  const masterKey = method.keyLength === 0
    ? NO_KEY
    : secret && onlyKey(secret, method);
  return {
    method,
    ...(masterKey && { masterKey }),
    ...(users.length > 0 && { users }),
    ...(method.userKind === "uid" && { ssr: ssrSettings(server) }),
  };
}

/** Returns the layers of ShadowsocksR around the cipher. */
export function ssrSettings(
  { wire = "origin", obfs = "plain", obfsParam }: ServerSettings,
): SsrSettings {
  return { protocol: wire, obfs, ...(obfsParam && { obfsParam }) };
}

function ssrClient(server: ServerSettings): SsrClientSettings {
  const { protocolParam = "" } = server;
  // Text before "#", or text without ":", is the maximum of clients of a
  // server.
  const user = ssrHasUsers(server) && protocolParam.includes(":")
    ? locate(server.origin, () => parseSsrUser(protocolParam))
    : undefined;
  return {
    ...ssrSettings(server),
    server: { host: server.host ?? "", port: server.port ?? 0 },
    ...(user && {
      user: { uid: user.uid, password: utf8(user.password) },
    }),
  };
}

/** True if the protocol has users. Other protocols ignore the parameter. */
function ssrHasUsers({ wire = "origin" }: ServerSettings): boolean {
  return /^auth_(?:aes128|chain)_/.test(wire);
}

/**
 * Returns all users of a server, with those in the parameter of ShadowsocksR.
 */
export function usersIn(server: ServerSettings): readonly UserSettings[] {
  const { users = [], protocolParam = "", origin } = server;
  if (methodOf(server).userKind !== "uid" || !ssrHasUsers(server)) return users;
  const named = locate(origin, () => parseSsrUsers(protocolParam));
  return [
    ...users,
    ...named.map(({ uid, password: text }): UserSettings => ({
      name: String(uid),
      uid,
      secret: { kind: "password", text, origin },
    })),
  ];
}

/**
 * Returns the key of a user.
 *
 * @param uid The number of the user with ShadowsocksR; not set if the secret is
 * `UID:PASSWORD`.
 * @throws {ConfigError} With the place of the mistake.
 */
export function userKey(
  secret: Secret,
  method: Method,
  uid?: number,
): Pick<ServerUser, "masterKey" | "uid"> {
  if (method.userKind !== "uid") return { masterKey: onlyKey(secret, method) };
  const user = uid === undefined
    ? locate(secret, () => parseSsrUser(secret.text))
    : { uid, password: secret.text };
  return { uid: user.uid, masterKey: utf8(user.password) };
}

/**
 * Returns the secret of a user in the form of its clients. With ShadowsocksR
 * the number comes before the password.
 */
export function userSecret({ secret, uid }: UserSettings): Secret {
  return uid === undefined
    ? secret
    : { ...secret, text: `${uid}:${secret.text}` };
}

/**
 * Computes the password of a user's clients from the key.
 *
 * @returns `undefined` if the key does not determine the password.
 */
export function ownPassword(
  { masterKey, uid }: ServerUser,
  { userKind }: Method,
): string | undefined {
  switch (userKind) {
    case "identity":
      return masterKey.toBase64();
    case "uid":
      return `${uid}:${new TextDecoder().decode(masterKey)}`;
    default:
      return undefined;
  }
}

/** Returns the users; names and keys are unique. */
function usersOf(server: ServerSettings, method: Method): ServerUser[] {
  const settings = usersIn(server);
  if (settings.length === 0) return [];
  if (method.userKind === "uid" && !ssrHasUsers(server)) {
    throw wrong(
      server,
      `${server.wire ?? "origin"} cannot tell "users" apart; auth_aes128_* ` +
        "and auth_chain_* can",
    );
  }
  if (method.userKind === "none") {
    throw wrong(
      server,
      method.family.authenticates
        ? `${method.name} has no identity headers, so it cannot have ` +
          '"users"; the 2022 methods with AES have'
        : `${method.name} cannot tell "users" apart; every method that ` +
          "authenticates can, but 2022-blake3-chacha20-poly1305",
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
  return settings.map(({ name, secret, uid, limits, disabled }) => {
    const key = userKey(secret, method, uid);
    const text = String(key.uid ?? fromLatin1(key.masterKey));
    const twin = keys.get(text);
    if (names.has(name)) throw wrong(server, `two users are named "${name}"`);
    if (twin !== undefined) {
      const what = key.uid === undefined ? "key" : "uid";
      throw wrong(
        server,
        `users "${twin}" and "${name}" have the same ${what}`,
      );
    }
    names.add(name);
    keys.set(text, name);
    return new CompactUser({
      name,
      ...key,
      ...limitsOf(server, limits),
      ...(disabled && { disabled }),
    });
  });
}

/**
 * Returns the user to whom clients without a name are counted, if the server
 * limits them.
 *
 * @param taken The users of the server.
 * @throws {ConfigError} If a user has the same name.
 */
export function ownerOf(
  server: ServerSettings,
  taken: readonly { readonly name: string }[] = [],
): LimitedUser | undefined {
  const limits = limitsOf(server, server.owner?.limits);
  if (limits === undefined) return undefined;
  const name = server.owner?.name ?? String(server.port);
  if (!taken.some((user) => user.name === name)) return { name, ...limits };
  throw wrong(
    server,
    `a user is named "${name}", which is the name for clients without one`,
  );
}

/**
 * Returns the limits of a user. The rate of the server applies if the user has
 * none.
 */
function limitsOf(
  { bytesPerSecond = Infinity }: ServerSettings,
  own: UserLimits | undefined,
): { readonly limits: UserLimits } | undefined {
  if (bytesPerSecond === Infinity) return own && { limits: own };
  return { limits: { bytesPerSecond, ...own } };
}

/**
 * Returns the only key of a secret.
 *
 * @throws {ConfigError} With the place of the mistake, also for a chain of
 * keys.
 */
export function onlyKey(secret: Secret, method: Method): Uint8Array {
  const [key, second] = keysOf(secret, method);
  if (second !== undefined) {
    throw badValue(
      `${secret.origin}: a server has one key; put its users into "users"`,
    );
  }
  return key!;
}

/** Returns at least one key; only a 2022 method has several. */
function keysOf(secret: Secret, method: Method): Uint8Array[] {
  return locate(secret, () => readKeys(secret.text, method, secret.kind));
}

/** The key of a method that has no key. */
const NO_KEY = new Uint8Array(0);

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function wrong(server: ServerSettings, what: string): ConfigError {
  return badValue(`${server.origin}: ${what}`);
}
