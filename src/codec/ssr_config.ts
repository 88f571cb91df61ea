/**
 * Formats of the original ShadowsocksR: `mudb.json`, the users in
 * `protocol_param`, and the output form of `config.json`.
 *
 * Does not: read files; it takes parsed JSON. Does not read `config.json`,
 * because its keys are settings of Umbra. Does not check method, protocol and
 * obfs.
 *
 * Security: no error message repeats a value, which may be a password.
 *
 * @module
 */
import { badValue, type ConfigError } from "../errors.ts";
import { type UserLimits, userNameFault } from "../users.ts";
import { isObject } from "./json.ts";

/** The settings that both ends of one port share. */
export interface SsrSettings {
  readonly password: string;
  /** Method name as written. */
  readonly method: string;
  /** The protocol as written, including `_compatible`. */
  readonly protocol: string;
  /** A server's `MAX#UID:PASSWORD,…`, a client's `UID:PASSWORD`. */
  readonly protocolParam: string;
  /** The obfs as written, including `_compatible`. */
  readonly obfs: string;
  readonly obfsParam: string;
}

/** One port of a server. */
export interface SsrServerPort extends SsrSettings {
  /** 1 to 65,535. */
  readonly port: number;
}

/**
 * A user of `mudb.json`, who has their own port. Settings that are not set are
 * those of the configuration beside the list.
 */
export interface MudbUser
  extends MudbDefaults, Pick<SsrServerPort, "port" | "password"> {
  /** The name for people. */
  readonly name: string;
  readonly isEnabled: boolean;
  /**
   * True if every other user may use this port as well, with the user's own
   * port as uid.
   */
  readonly isShared: boolean;
  /** The rest of the quota, and the rate; not set if there is no limit. */
  readonly limits?: UserLimits;
  /**
   * Rate of each TCP connection to the port, in bytes a second; not set if
   * there is no limit.
   */
  readonly connectionBytesPerSecond?: number;
  /**
   * Addresses that clients of the port cannot reach, as written; not set if
   * there are none.
   */
  readonly forbiddenIps?: string;
  /**
   * Ports of targets that clients of the port cannot reach, as written; not set
   * if there are none.
   */
  readonly forbiddenPorts?: string;
}

/** The settings of a user who does not have them. */
export type MudbDefaults = {
  readonly [K in keyof Omit<SsrSettings, "password">]:
    | SsrSettings[K]
    | undefined;
};

/** The defaults of the original program for a user. */
const DEFAULTS: MudbDefaults = {
  method: "aes-128-ctr",
  protocol: "auth_aes128_md5",
  protocolParam: "",
  obfs: "tls1.2_ticket_auth_compatible",
  obfsParam: "",
};

/**
 * Reads `mudb.json`.
 *
 * @param document Parsed JSON.
 * @param isAlone False if a configuration beside the list has the settings that
 * users lack.
 * @throws {ConfigError} `ERR_CONFIG_VALUE` that names user and key.
 */
export function readMudb(document: unknown, isAlone = true): MudbUser[] {
  if (!Array.isArray(document)) throw wrong("the root", "a list");
  const defaults = isAlone ? DEFAULTS : {};
  const users = document.map((entry: unknown, i) =>
    readMudbUser(entry, i, defaults)
  );
  const ports = new Set<number>();
  for (const [i, { port }] of users.entries()) {
    if (ports.has(port)) {
      throw wrong(
        `"port" of user ${i + 1}`,
        "different from every other user's",
      );
    }
    ports.add(port);
  }
  return users;
}

/** A user in `protocol_param`. */
interface SsrUser {
  readonly uid: number;
  readonly password: string;
}

/**
 * Parses a server's `protocol_param`, `MAX#UID:PASSWORD,UID:PASSWORD`. The
 * maximum of clients is not read.
 *
 * @returns No users if everyone with the port's password is accepted.
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
export function parseSsrUsers(param: string): SsrUser[] {
  const [, ...rest] = param.split("#");
  if (rest.length > 1) throw wrongParam();
  const users = (rest[0] ?? "").split(",").filter((part) => part.trim() !== "")
    .map(parseSsrUser);
  if (new Set(users.map(({ uid }) => uid)).size < users.length) {
    throw wrongParam();
  }
  return users;
}

/**
 * Parses a client's `protocol_param`, `UID:PASSWORD`.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
export function parseSsrUser(param: string): SsrUser {
  const match = /^\s*(\d{1,10}):(.+)$/s.exec(param);
  const uid = Number(match?.[1]);
  if (match === null || uid > 0xffff_ffff) throw wrongParam();
  return { uid, password: match[2]! };
}

/**
 * Makes a configuration for the original program with one server, for
 * `JSON.stringify`.
 */
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

function readMudbUser(
  fields: unknown,
  i: number,
  defaults: Partial<MudbDefaults>,
): MudbUser {
  const what = `user ${i + 1}`;
  if (!isObject(fields)) throw wrong(what, "an object");
  const port = Number(fields["port"]);
  if (!isPort(port)) throw wrong(`"port" of ${what}`, PORT);
  const secret = fields["passwd"];
  if (typeof secret !== "string" || secret === "") {
    throw wrong(`"passwd" of ${what}`, "text that is not empty");
  }
  const count = (key: string): number => {
    const value = Number(fields[key] ?? 0);
    if (Number.isInteger(value) && value >= 0) return value;
    throw wrong(`"${key}" of ${what}`, "a number of bytes");
  };
  const text = (key: string): string => {
    const value = fields[key] ?? "";
    if (typeof value === "string") return value;
    throw wrong(`"${key}" of ${what}`, "text");
  };
  // A single port may be a number. The original programs read 0 as none.
  const list = (key: string): string =>
    Number.isInteger(fields[key]) ? String(fields[key] || "") : text(key);
  const [forbiddenIps, forbiddenPorts] = [
    list("forbidden_ip"),
    list("forbidden_port"),
  ];
  const name = text("user");
  const protocol = text("protocol") || defaults.protocol;
  const protocolParam = text("protocol_param") || defaults.protocolParam;
  const quota = fields["transfer_enable"] === undefined
    ? NO_QUOTA
    : count("transfer_enable");
  const used = count("u") + count("d");
  const kibibytes = count("speed_limit_per_user");
  const connection = count("speed_limit_per_con");
  const limits: UserLimits = {
    ...quota < NO_QUOTA && { quotaBytes: Math.max(0, quota - used) },
    ...kibibytes > 0 && { bytesPerSecond: 1_024 * kibibytes },
  };
  return {
    port,
    password: secret,
    method: text("method") || defaults.method,
    protocol,
    protocolParam,
    obfs: text("obfs") || defaults.obfs,
    obfsParam: text("obfs_param") || defaults.obfsParam,
    name: userNameFault(name) === undefined ? name : String(port),
    isEnabled: Number(fields["enable"] ?? 1) !== 0,
    isShared: isShared(protocol, protocolParam),
    ...Object.keys(limits).length > 0 && { limits },
    ...connection > 0 && { connectionBytesPerSecond: 1_024 * connection },
    ...forbiddenIps !== "" && { forbiddenIps },
    ...forbiddenPorts !== "" && { forbiddenPorts },
  };
}

/** True if the users of all other ports may use a port as well. */
export function isShared(
  protocol: string | undefined,
  protocolParam: string | undefined,
): boolean {
  return protocolParam?.includes("#") === true &&
    /^auth_(?:aes128|chain)_/.test(protocol ?? "");
}

/**
 * The quota that the original tool sets for users without a limit. No traffic
 * reaches it.
 */
const NO_QUOTA = 2 ** 53;

const PORT = "a port from 1 to 65535";

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function wrongParam(): ConfigError {
  return badValue(
    'Expected "protocol_param" to be UID:PASSWORD, or MAX#UID:PASSWORD,…',
  );
}

function wrong(what: string, expected: string): ConfigError {
  return badValue(`Expected ${what} in mudb.json to be ${expected}`);
}
