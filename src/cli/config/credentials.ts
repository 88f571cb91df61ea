/**
 * Passwords and keys as they are written → the keys of both roles.
 *
 * @module
 */
import { fromLatin1 } from "../../bytes.ts";
import { findMethod, type Method } from "../../crypto/method.ts";
import { ConfigError } from "../../errors.ts";
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
 * The method of a server, or the default one.
 *
 * @throws {ConfigError} When ShadowsocksR does not have it, or a file has a
 * password and no method: a key that is not there may be one that is misspelt.
 */
export function methodOf(server: ServerSettings): Method {
  const { method, wire, obfs } = server;
  if (wire === "lightsocks") return LIGHTSOCKS_METHOD;
  if (wire === undefined && obfs === undefined) {
    if (method === undefined && isFiled(server)) {
      throw wrong(
        server,
        'no "method" beside the password: give the one of the other end; ' +
          `without a word it was ${DEFAULT_METHOD}${server.hint ?? ""}`,
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

/** True if a password of the server, or of a user, is in a file. */
function isFiled({ secret, users = [] }: ServerSettings): boolean {
  return secret?.inFile === true || users.some(({ secret }) => secret.inFile);
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

/**
 * True if the server needs a secret of its own: where keys are tried, users may
 * have the only ones.
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
 * A secret as clients and `ss://` URIs have it.
 *
 * @returns `undefined` for a raw key of 2017, which no password makes.
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
 * What a user's client has as its password: with 2022, the server's key is
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

/** The prefixes of a client's salts. */
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

/** One line for each server whose prefix leaves little to chance. */
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
 * The keys of `ss-server`.
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

/** The layers around the cipher of ShadowsocksR. */
export function ssrSettings(
  { wire = "origin", obfs = "plain", obfsParam }: ServerSettings,
): SsrSettings {
  return { protocol: wire, obfs, ...(obfsParam && { obfsParam }) };
}

function ssrClient(server: ServerSettings): SsrClientSettings {
  const { protocolParam = "" } = server;
  // The text before "#", or alone, is a number of clients: a server's.
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

/** The other protocols cannot tell users apart, and ignore the parameter. */
function ssrHasUsers({ wire = "origin" }: ServerSettings): boolean {
  return /^auth_(?:aes128|chain)_/.test(wire);
}

/** Every user of a server, also those that the parameter of ShadowsocksR names. */
export function usersIn(server: ServerSettings): readonly UserSettings[] {
  const { users = [], protocolParam = "", origin } = server;
  if (methodOf(server).userKind !== "uid" || !ssrHasUsers(server)) return users;
  const named = locate(origin, () => parseSsrUsers(protocolParam)).users;
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
 * A user of a server under its key.
 *
 * @param uid Of ShadowsocksR; not set: the secret is `UID:PASSWORD`.
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
 * The secret of a user as its clients have it: with ShadowsocksR, the number
 * is before the password.
 */
export function userSecret({ secret, uid }: UserSettings): Secret {
  return uid === undefined
    ? secret
    : { ...secret, text: `${uid}:${secret.text}` };
}

/**
 * The password of a user as its clients have it, made of its key.
 *
 * @returns `undefined` where many passwords could have made the key.
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

/** The users, each with a name and a key that no other has. */
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
 * Whose clients without a name are, where what they may do is limited.
 *
 * @param taken Names of users.
 * @throws {ConfigError} When a user has that name.
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
    `a user is named "${name}", which stands for those without a name`,
  );
}

/** Limits of a user, with the rate that holds for all of a server. */
function limitsOf(
  { bytesPerSecond = Infinity }: ServerSettings,
  own: UserLimits | undefined,
): { readonly limits: UserLimits } | undefined {
  if (bytesPerSecond === Infinity) return own && { limits: own };
  return { limits: { bytesPerSecond, ...own } };
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
function keysOf(secret: Secret, method: Method): Uint8Array[] {
  return locate(secret, () => readKeys(secret.text, method, secret.kind));
}

/** The key of a method without one. */
const NO_KEY = new Uint8Array(0);

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function wrong(server: ServerSettings, what: string): ConfigError {
  return new ConfigError("ERR_CONFIG_VALUE", `${server.origin}: ${what}`);
}
