/**
 * What one source (command line, URI, configuration file) says of a
 * Shadowsocks server; any part may be missing.
 *
 * @module
 */
import { parseServerUri } from "../codec/uri.ts";
import { findMethod, type Method } from "../crypto/method.ts";
import { ConfigError } from "../errors.ts";
import type { UserLimits } from "../users.ts";
import type { Arguments } from "./args.ts";
import type { ConfigObject } from "./config_file.ts";
import { checkLegacyKeys, LEGACY_KEYS } from "./legacy_keys.ts";
import { badOption, option } from "./option_value.ts";
import { UDP_KEYS, udpFromObject, type UdpSettings } from "./udp_settings.ts";
import {
  HOST_EXPECTED,
  PORT_EXPECTED,
  readHostAndPort,
  readInteger,
  readPort,
  readSeconds,
} from "./values.ts";

/** A password or a raw key. Never logged. */
export interface Secret {
  /** Which of the two `text` is. */
  readonly kind: "password" | "key";
  /** As written. */
  readonly text: string;
  /** Where it was written. */
  readonly origin: string;
}

/** A user of a server, as shadowsocks-rust writes one. */
export interface UserSettings {
  /** For the log and the counters. */
  readonly name: string;
  /** What the user's key is made of. */
  readonly secret: Secret;
  /** What the user is allowed. */
  readonly limits?: UserLimits;
}

/** One server, as far as it is told. */
export interface ServerSettings {
  /** Where it was written, for messages. */
  readonly origin: string;
  /** Name or IP address. */
  readonly host?: string | undefined;
  /** 0 to 65,535. */
  readonly port?: number | undefined;
  /** Cipher. */
  readonly method?: Method | undefined;
  /** What the master key is made of. */
  readonly secret?: Secret | undefined;
  /** Who may connect to a server, where several may. */
  readonly users?: readonly UserSettings[] | undefined;
  /** Milliseconds without a byte. */
  readonly idleTimeoutMs?: number | undefined;
  /** Whether and how its UDP is served. */
  readonly udp?: UdpSettings | undefined;
  /** Name for people. */
  readonly tag?: string | undefined;
}

/** What a timeout must be, for messages. */
const TIMEOUT_EXPECTED = "seconds, more than 0";

/** Keys of one server, alone or in `servers`. */
export const SERVER_KEYS: readonly string[] = [
  ...["server", "server_port", "password", "key", "method", "timeout"],
  ...["address", "port", "disabled", "users"],
  ...UDP_KEYS,
  ...LEGACY_KEYS,
];

/** The options that hold for every server of a command line. */
export function serverFromOptions(args: Arguments): ServerSettings {
  const origin = "the command line";
  return {
    origin,
    port: option(args, "server-port", (v) => readPort(v, 0), PORT_EXPECTED),
    method: within("-m, --encrypt-method", args.last("encrypt-method")),
    secret: secretFrom(args.last("key"), args.last("password"), {
      key: "--key",
      password: "-k, --password",
    }),
    idleTimeoutMs: option(
      args,
      "timeout",
      (v) => readSeconds(v, 1),
      TIMEOUT_EXPECTED,
    ),
  };
}

/** The servers that `-s` names. */
export function serversFromOptions(args: Arguments): ServerSettings[] {
  return args.all("server-addr").map((text) => {
    const read = readHostAndPort(text);
    if (read === undefined) {
      throw badOption("server-addr", text, HOST_EXPECTED);
    }
    return { origin: `-s ${text}`, ...read };
  });
}

/**
 * The server of an `ss://` URI.
 *
 * @throws {ConfigError} Also for a plugin, which we cannot start.
 */
export function serverFromUri(text: string): ServerSettings {
  const uri = parseServerUri(text);
  const origin = `the URI of ${uri.host}:${uri.port}`;
  if (uri.plugin !== undefined) {
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      `${origin}: plugins are not supported by this version, it asks for ` +
        `"${uri.plugin.split(";")[0]}"`,
    );
  }
  return {
    origin,
    host: uri.host,
    port: uri.port,
    method: within(origin, uri.method),
    secret: { kind: "password", text: uri.password, origin },
    tag: uri.tag,
  };
}

/** What a configuration file says of its servers. */
export interface FileServers {
  /** The servers that are named, in order. */
  readonly servers: readonly ServerSettings[];
  /** What holds for each of them that does not say it itself. */
  readonly common: ServerSettings;
  /** For the operator. */
  readonly warnings: readonly string[];
}

/**
 * Reads libev's form (`server`, text or a list) and rust's (`servers`).
 *
 * @param name Name of the file.
 */
export function serversFromFile(file: ConfigObject, name: string): FileServers {
  const common = { ...serverFromObject(file), origin: name };
  const warnings = checkLegacyKeys(file);
  const servers: ServerSettings[] = hostsOf(file, "server").map((host) => ({
    ...host,
    origin: file.where("server"),
  }));
  const objects = file.objects("servers").filter((one) =>
    !one.flag("disabled")
  );
  for (const object of objects) {
    warnings.push(...checkLegacyKeys(object));
    warnings.push(...object.unknownKeys(new Set(SERVER_KEYS)));
    const [host, second] = [
      ...hostsOf(object, "server"),
      ...hostsOf(object, "address"),
    ];
    if (second !== undefined) throw object.wrong("server", "one HOST");
    servers.push({
      ...serverFromObject(object),
      ...host,
      origin: object.where(),
    });
  }
  return { servers, common, warnings };
}

/** Everything but the host. */
function serverFromObject(
  object: ConfigObject,
): Omit<ServerSettings, "origin"> {
  const port = (key: string): number | undefined =>
    object.get(key, (value) => readPort(value, 0), PORT_EXPECTED);
  const where = (key: string): string => object.where(key);
  return {
    port: port("server_port") ?? port("port"),
    method: within(where("method"), object.text("method")),
    secret: secretFrom(object.text("key"), passwordOf(object), {
      key: where("key"),
      password: where("password"),
    }),
    users: usersFrom(object),
    idleTimeoutMs: object.get(
      "timeout",
      (value) => readSeconds(value, 1),
      TIMEOUT_EXPECTED,
    ),
    udp: udpFromObject(object),
    tag: object.get(
      "remarks",
      (value) => typeof value === "string" ? value : undefined,
      "text",
    ),
  };
}

/** rust's form: `[{"name": "alice", "password": "…"}]`; empty is none. */
function usersFrom(object: ConfigObject): UserSettings[] | undefined {
  const users = object.objects("users").map((user) => {
    const name = user.text("name");
    const text = passwordOf(user);
    if (name === undefined) throw user.wrong("name", "text");
    if (text === undefined) throw user.wrong("password", "text");
    const secret = {
      kind: "password",
      text,
      origin: user.where("password"),
    } as const;
    const limits = limitsFrom(user);
    return { name, secret, ...(limits && { limits }) };
  });
  return users.length > 0 ? users : undefined;
}

function limitsFrom(user: ConfigObject): UserLimits | undefined {
  const whole = (key: string): number | undefined =>
    user.get(key, (value) => readInteger(value, 1), "a whole number");
  const limits = {
    quotaBytes: whole("quota_bytes"),
    maxConnections: whole("max_connections"),
    expiresUnixMs: user.get(
      "expires",
      (value) => {
        const ms = typeof value === "string" ? Date.parse(value) : NaN;
        return Number.isNaN(ms) ? undefined : ms;
      },
      "a date and time, like 2027-01-31T00:00:00Z",
    ),
  };
  const set = Object.entries(limits).filter(([, one]) => one !== undefined);
  return set.length > 0 ? Object.fromEntries(set) : undefined;
}

function hostsOf(
  object: ConfigObject,
  key: string,
): { host: string; port?: number | undefined }[] {
  return object.get(
    key,
    (value) => {
      const texts = Array.isArray(value) ? value : [value];
      const hosts = texts.map((text) =>
        typeof text === "string" ? readHostAndPort(text) : undefined
      );
      return hosts.every((host) => host !== undefined) ? hosts : undefined;
    },
    `${HOST_EXPECTED}, or a list of those`,
  ) ?? [];
}

/** libev takes a number for a password. */
function passwordOf(object: ConfigObject): string | undefined {
  return object.get(
    "password",
    (value) =>
      Number.isSafeInteger(value)
        ? String(value)
        : typeof value === "string" && value
        ? value
        : undefined,
    "text that is not empty",
  );
}

/** A key beats a password of the same source, as in libev. */
function secretFrom(
  key: string | undefined,
  password: string | undefined,
  origins: Readonly<Record<"key" | "password", string>>,
): Secret | undefined {
  if (key !== undefined) {
    return { kind: "key", text: key, origin: origins.key };
  }
  return password === undefined
    ? undefined
    : { kind: "password", text: password, origin: origins.password };
}

/** Finds a method and says where its name was written if there is none. */
function within(
  origin: string,
  name: string | undefined,
): Method | undefined {
  return name === undefined
    ? undefined
    : locate(origin, () => findMethod(name));
}

/** Puts the place of a value in front of the message of its error. */
export function locate<T>(origin: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.code, `${origin}: ${error.message}`);
  }
}
