/**
 * The configurations of ShadowsocksR's originals: `config.json` of client and
 * server, `port_password`, `additional_ports`, and `mudb.json`.
 *
 * Does not: read files; it takes JSON that was parsed, comments and all. Does
 * not know whether method, protocol and obfs exist.
 *
 * Security: no error message repeats a value, which may be a password.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { type UserLimits, userNameFault } from "../users.ts";

/** What both ends of one port share. */
export interface SsrSettings {
  readonly password: string;
  /** Method name as written. */
  readonly method: string;
  /** As written, with `_compatible` if it is there. */
  readonly protocol: string;
  /** Of a server `MAX#UID:PASSWORD,…`, of a client `UID:PASSWORD`. */
  readonly protocolParam: string;
  /** As written, with `_compatible` if it is there. */
  readonly obfs: string;
  readonly obfsParam: string;
}

/** One port of a server. */
export interface SsrServerPort extends SsrSettings {
  /** 1 to 65,535. */
  readonly port: number;
}

/** What a configuration says. */
export interface SsrConfig {
  /** Names or IP addresses: where the server is, or listens. */
  readonly hosts: readonly string[];
  /** One for a client; for a server each port with its own settings. */
  readonly ports: readonly SsrServerPort[];
  /** Where a client listens. */
  readonly local?: { readonly host: string; readonly port: number };
  /** Seconds without a byte until a connection ends. */
  readonly timeoutSeconds?: number;
  /** Seconds without a datagram until an association ends. */
  readonly udpTimeoutSeconds?: number;
  /** Where strangers are sent, as written; empty: nowhere. */
  readonly redirect: readonly string[];
  /** Keys that mean nothing to us, as written. */
  readonly ignored: readonly string[];
}

/** A user of `mudb.json`, who has a port of its own. */
export interface MudbUser extends SsrServerPort {
  /** For people. */
  readonly name: string;
  readonly isEnabled: boolean;
  /**
   * True if every other user may use this port as well, with its own port for
   * a uid.
   */
  readonly isShared: boolean;
  /** What is left of the quota, and the rate; not set: no limit. */
  readonly limits?: UserLimits;
}

/** What the originals take where a key is missing. */
const DEFAULTS = { method: "aes-256-cfb", protocol: "origin", obfs: "plain" };

/** The same for the users of `mudb.json`. */
const MUDB_DEFAULTS = {
  method: "aes-128-ctr",
  protocol: "auth_aes128_md5",
  obfs: "tls1.2_ticket_auth_compatible",
};

const MUDB = "mudb.json";
const CONFIG = "the ShadowsocksR configuration";

const KNOWN = new Set([
  ...["server", "server_ipv6", "server_port", "local_address", "local_port"],
  ...["password", "method", "protocol", "protocol_param", "obfs", "obfs_param"],
  ...["timeout", "udp_timeout", "redirect", "port_password"],
  ...["additional_ports", "additional_ports_only"],
]);

/** True if a parsed configuration has a key that only ShadowsocksR has. */
export function isSsrConfig(document: unknown): boolean {
  return isObject(document) &&
    ["protocol", "obfs", "protocol_param", "obfs_param", "additional_ports"]
      .some((key) => key in document);
}

/**
 * Reads a configuration.
 *
 * @param document Parsed JSON; of `user-config.json` over `config.json` as
 * {@link mergeSsrConfigs} joins them.
 * @throws {ConfigError} `ERR_CONFIG_VALUE` that names the key.
 */
export function readSsrConfig(document: unknown): SsrConfig {
  const fields = object(document, "the root", CONFIG);
  const hosts = ["server", "server_ipv6"].flatMap((key) =>
    hostsOf(fields[key], key)
  );
  const local = optionalPort(fields, "local_port");
  const timeoutSeconds = seconds(fields, "timeout");
  const udpTimeoutSeconds = seconds(fields, "udp_timeout");
  return {
    hosts,
    ports: portsOf(fields),
    ...(local !== undefined && {
      local: {
        host: text(fields, "local_address") || "127.0.0.1",
        port: local,
      },
    }),
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(udpTimeoutSeconds !== undefined && { udpTimeoutSeconds }),
    redirect: strings(fields["redirect"], "redirect"),
    ignored: Object.keys(fields).filter((key) => !KNOWN.has(key)),
  };
}

/** `user-config.json` over `config.json`: each key as a whole. */
export function mergeSsrConfigs(below: unknown, above: unknown): unknown {
  return {
    ...object(below, "the root", CONFIG),
    ...object(above, "the root", CONFIG),
  };
}

/**
 * Reads `mudb.json`.
 *
 * @param document Parsed JSON.
 * @throws {ConfigError} `ERR_CONFIG_VALUE` that names user and key.
 */
export function readMudb(document: unknown): MudbUser[] {
  if (!Array.isArray(document)) throw wrong("the root", "a list", MUDB);
  const users = document.map((entry: unknown, i) => readMudbUser(entry, i));
  const ports = new Set<number>();
  for (const [i, { port }] of users.entries()) {
    if (ports.has(port)) {
      throw wrong(`"port" of user ${i + 1}`, "no other user's", MUDB);
    }
    ports.add(port);
  }
  return users;
}

/** A list of users as a server's `protocol_param` has it. */
export interface SsrUserList {
  /** Clients of one user at once, as the originals count them. */
  readonly maxClients?: number;
  /** Empty: everyone who has the port's password. */
  readonly users: readonly {
    readonly uid: number;
    readonly password: string;
  }[];
}

/**
 * Reads a server's `protocol_param`, `MAX#UID:PASSWORD,UID:PASSWORD`.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
export function parseSsrUsers(param: string): SsrUserList {
  const [first = "", ...rest] = param.split("#");
  if (rest.length > 1) throw wrongParam();
  const maxClients = /^\s*\d{1,9}\s*$/.test(first) ? Number(first) : undefined;
  const users = (rest[0] ?? "").split(",").filter((part) => part.trim() !== "")
    .map(parseSsrUser);
  if (new Set(users.map(({ uid }) => uid)).size < users.length) {
    throw wrongParam();
  }
  return { ...(maxClients !== undefined && { maxClients }), users };
}

/**
 * Reads a client's `protocol_param`, `UID:PASSWORD`.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
export function parseSsrUser(
  param: string,
): { readonly uid: number; readonly password: string } {
  const match = /^\s*(\d{1,10}):(.+)$/s.exec(param);
  const uid = Number(match?.[1]);
  if (match === null || uid > 0xffff_ffff) throw wrongParam();
  return { uid, password: match[2]! };
}

/** The configuration of an original for one server, before `JSON.stringify`. */
export function toSsrConfig(
  settings: SsrServerPort,
  { host, local }: {
    readonly host: string;
    readonly local?: { readonly host: string; readonly port: number };
  },
): Record<string, unknown> {
  return {
    server: host,
    server_port: settings.port,
    ...(local && { local_address: local.host, local_port: local.port }),
    password: settings.password,
    method: settings.method,
    protocol: settings.protocol,
    protocol_param: settings.protocolParam,
    obfs: settings.obfs,
    obfs_param: settings.obfsParam,
  };
}

function portsOf(fields: Record<string, unknown>): SsrServerPort[] {
  const { port_password: passwords, additional_ports: more } = fields;
  const base = baseSettings(fields);
  const ports = new Map<number, SsrServerPort>();
  const add = (port: number, settings: SsrSettings, key: string): void => {
    if (ports.has(port)) {
      throw wrong(`port ${port} of "${key}"`, "one of its own");
    }
    ports.set(port, { ...settings, port });
  };
  if (passwords !== undefined) {
    for (const [port, entry] of entriesOf(passwords, "port_password")) {
      add(
        port,
        portSettings(entry, base, `${port} of "port_password"`),
        "port_password",
      );
    }
  } else if (fields["additional_ports_only"] !== true) {
    const port = optionalPort(fields, "server_port");
    if (port === undefined) throw wrong('"server_port"', PORT);
    add(port, { ...base, password: password(fields) }, "server_port");
  }
  for (
    const [port, entry] of more === undefined
      ? []
      : entriesOf(more, "additional_ports")
  ) {
    add(
      port,
      portSettings(entry, base, `${port} of "additional_ports"`),
      "additional_ports",
    );
  }
  if (ports.size === 0) throw wrong('"additional_ports"', "at least one port");
  return [...ports.values()];
}

/** A password, an object, or a list of password, obfs and protocol. */
function portSettings(
  entry: unknown,
  base: Omit<SsrSettings, "password">,
  what: string,
): SsrSettings {
  if (typeof entry === "string" && entry !== "") {
    return { ...base, password: entry };
  }
  if (Array.isArray(entry)) {
    const [secret, obfs = base.obfs, protocol = base.protocol] = entry;
    if (
      [secret, obfs, protocol].some((part) =>
        typeof part !== "string" || part === ""
      )
    ) {
      throw wrong(what, "a list of password, obfs and protocol");
    }
    return { ...base, password: secret, obfs, protocol };
  }
  const fields = object(entry, what, CONFIG);
  return { ...baseSettings(fields, base), password: password(fields, what) };
}

function baseSettings(
  fields: Record<string, unknown>,
  defaults: Partial<SsrSettings> = DEFAULTS,
  file: string = CONFIG,
): Omit<SsrSettings, "password"> {
  const named = (key: "method" | "protocol" | "obfs"): string =>
    text(fields, key, file) || (defaults[key] ?? DEFAULTS[key]);
  return {
    method: named("method"),
    protocol: named("protocol"),
    protocolParam: text(fields, "protocol_param", file) ||
      (defaults.protocolParam ?? ""),
    obfs: named("obfs"),
    obfsParam: text(fields, "obfs_param", file) || (defaults.obfsParam ?? ""),
  };
}

function readMudbUser(entry: unknown, i: number): MudbUser {
  const what = `user ${i + 1}`;
  const fields = object(entry, what, MUDB);
  const port = Number(fields["port"]);
  if (!isPort(port)) throw wrong(`"port" of ${what}`, PORT, MUDB);
  const secret = fields["passwd"];
  if (typeof secret !== "string" || secret === "") {
    throw wrong(`"passwd" of ${what}`, "text that is not empty", MUDB);
  }
  const count = (key: string): number => {
    const value = Number(fields[key] ?? 0);
    if (Number.isInteger(value) && value >= 0) return value;
    throw wrong(`"${key}" of ${what}`, "a number of bytes", MUDB);
  };
  for (const key of NOT_OF_USERS) {
    if ([undefined, null, "", 0].includes(fields[key] as null)) continue;
    throw wrong(`"${key}" of ${what}`, "empty, since it is not served", MUDB);
  }
  const name = text(fields, "user", MUDB);
  const settings = baseSettings(fields, MUDB_DEFAULTS, MUDB);
  const quota = fields["transfer_enable"] === undefined
    ? NO_QUOTA
    : count("transfer_enable");
  const used = count("u") + count("d");
  const kibibytes = count("speed_limit_per_user");
  const limits: UserLimits = {
    ...quota < NO_QUOTA && { quotaBytes: Math.max(0, quota - used) },
    ...kibibytes > 0 && { bytesPerSecond: 1_024 * kibibytes },
  };
  return {
    ...settings,
    port,
    password: secret,
    name: userNameFault(name) === undefined ? name : String(port),
    isEnabled: Number(fields["enable"] ?? 1) !== 0,
    isShared: settings.protocolParam.includes("#") &&
      /^auth_(?:aes128|chain)_/.test(settings.protocol),
    ...Object.keys(limits).length > 0 && { limits },
  };
}

/** What the originals' tool gives to who has no quota: no count gets there. */
const NO_QUOTA = 2 ** 53;

/** What users of `mudb.json` may have besides, and ours have not. */
const NOT_OF_USERS = ["speed_limit_per_con", "forbidden_ip", "forbidden_port"];

function entriesOf(value: unknown, key: string): [number, unknown][] {
  return Object.entries(object(value, `"${key}"`, CONFIG)).map(
    ([text, entry]) => {
      const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
      if (!isPort(port)) throw wrong(`each key of "${key}"`, PORT);
      return [port, entry];
    },
  );
}

const PORT = "a port from 1 to 65535";

function password(fields: Record<string, unknown>, what?: string): string {
  const value = fields["password"];
  if (typeof value === "string" && value !== "") return value;
  const of = what === undefined ? "" : ` of ${what}`;
  throw wrong(`"password"${of}`, "text that is not empty");
}

function optionalPort(
  fields: Record<string, unknown>,
  key: string,
): number | undefined {
  if (fields[key] === undefined) return undefined;
  const port = Number(fields[key]);
  if (isPort(port)) return port;
  throw wrong(`"${key}"`, PORT);
}

function seconds(
  fields: Record<string, unknown>,
  key: string,
): number | undefined {
  if (fields[key] === undefined) return undefined;
  const value = Number(fields[key]);
  if (Number.isFinite(value) && value > 0) return value;
  throw wrong(`"${key}"`, "a number of seconds above 0");
}

function text(
  fields: Record<string, unknown>,
  key: string,
  file: string = CONFIG,
): string {
  const value = fields[key] ?? "";
  if (typeof value === "string") return value;
  throw wrong(`"${key}"`, "text", file);
}

function hostsOf(value: unknown, key: string): string[] {
  return strings(value, key).map((host) => host.replace(/^\[(.*)\]$/, "$1"));
}

/** Text, or a list of text; what is empty is left out. */
function strings(value: unknown, key: string): string[] {
  if (value === undefined || value === null) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.map((one) => {
    if (typeof one === "string") return one;
    throw wrong(`"${key}"`, "text or a list of text");
  }).filter((one) => one !== "");
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function object(
  value: unknown,
  what: string,
  file: string,
): Record<string, unknown> {
  if (isObject(value)) return value;
  throw wrong(what, "an object", file);
}

function wrongParam(): ConfigError {
  return wrong('"protocol_param"', "UID:PASSWORD, or MAX#UID:PASSWORD,…");
}

function wrong(
  what: string,
  expected: string,
  file: string = CONFIG,
): ConfigError {
  return new ConfigError(
    "ERR_CONFIG_VALUE",
    `Expected ${what} in ${file} to be ${expected}`,
  );
}
