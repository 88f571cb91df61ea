/**
 * What the command line and the top of a configuration file say of the running
 * program rather than of its servers: the operator's port, the manager, the
 * store of users, the log and the guard.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import { ConfigError } from "../errors.ts";
import type { Endpoint } from "../transport.ts";
import type { Arguments } from "./args.ts";
import type { ConfigObject } from "./config_file.ts";
import type { LogFormat } from "./log.ts";
import type { Option } from "./option.ts";
import { option } from "./option_value.ts";
import { readHostAndPort, readInteger } from "./values.ts";

/** How much of a target or a client the log may show. */
export type LogPrivacy = "full" | "hashed" | "none";

/** A TCP address, or the path of a unix socket. */
export type AdminAddress = Endpoint | { readonly path: string };

/** What was asked for; what is not set was not. Paths are absolute. */
export interface OperatorSettings {
  /** Where metrics, API and dashboard are served. */
  readonly admin?: AdminAddress;
  /** First line of `admin_token_file`. Never logged. */
  readonly adminToken?: string;
  /** Where the `ss-manager` protocol is served, UDP. */
  readonly manager?: Endpoint;
  /** File of the store of users and counts. */
  readonly store?: string;
  /** Default: `text`. */
  readonly logFormat?: LogFormat;
  /** Default: `full`. */
  readonly logPrivacy?: LogPrivacy;
  /** Whether another process may listen on the same ports. */
  readonly reusePort?: boolean;
  /** Connections of one client address at once. */
  readonly maxConnectionsPerHost?: number;
}

const LOG_FORMATS: readonly LogFormat[] = ["text", "json"];

const LOG_PRIVACIES: readonly LogPrivacy[] = ["full", "hashed", "none"];

const EXPECTED = {
  admin: "HOST:PORT or unix:/PATH",
  manager: "HOST:PORT",
  path: "a path",
  logFormat: "text or json",
  logPrivacy: "full, hashed or none",
  count: "a whole number, 1 or more",
};

const BOTH: readonly Option[] = [
  {
    name: "admin",
    value: "ADDRESS",
    help: "Serve metrics, API and dashboard here: HOST:PORT or unix:/PATH; " +
      "other hosts than this one only with a token",
  },
  {
    name: "admin-token-file",
    value: "FILE",
    help: "File whose first line is the token that --admin asks for",
  },
  {
    name: "log-format",
    value: "FORMAT",
    help: "`text` or `json`, on standard error",
    default: "text",
  },
  {
    name: "log-privacy",
    value: "LEVEL",
    help: "What the log tells of targets: `full`, `hashed` or `none`",
    default: "full",
  },
  {
    name: "reuse-port",
    help: "Let another process listen on the same ports, to take over from it",
  },
  {
    name: "max-connections-per-host",
    value: "N",
    help: "Connections of one client address at once",
    default: "no limit",
  },
];

/** The options of all this, by command. */
export const OPERATOR_OPTIONS: Readonly<
  Record<"local" | "server", readonly Option[]>
> = {
  local: BOTH,
  server: [
    ...BOTH,
    {
      name: "manager",
      value: "HOST:PORT",
      help: "Serve the protocol of ss-manager here, over UDP, to whoever can " +
        "send to it",
    },
    {
      name: "store",
      value: "FILE",
      help: "Keep users made at run time, and every count, in this file",
    },
  ],
};

/** Keys at the top of a configuration file. */
export const OPERATOR_KEYS: readonly string[] = [
  ...["admin", "admin_token_file", "manager", "store", "log_format"],
  ...["log_privacy", "reuse_port", "max_connections_per_host"],
];

/**
 * Command line and file as one; an option beats the file. A path in the file
 * is relative to the file.
 *
 * @param file Not set: no file was given.
 * @param readText Reads the token.
 * @throws {ConfigError} With the place of the mistake.
 */
export function operatorSettings(
  args: Arguments,
  file: { readonly object: ConfigObject; readonly name: string } | undefined,
  readText: (path: string) => string,
): OperatorSettings {
  /** An option, else the key of the same name. */
  const find = <T>(
    name: string,
    read: (value: unknown) => T | undefined,
    expected: string,
  ): T | undefined =>
    option(args, name, read, expected) ??
      file?.object.get(name.replaceAll("-", "_"), read, expected);
  const path = (name: string): string | undefined => {
    const chosen = args.last(name);
    if (chosen !== undefined) return resolve(chosen);
    const found = file?.object.text(name.replaceAll("-", "_"));
    return found && resolve(dirname(file!.name), found);
  };
  const tokenFile = path("admin-token-file");
  const settings = {
    admin: find("admin", readAdmin, EXPECTED.admin),
    adminToken: tokenFile && readToken(tokenFile, readText),
    manager: find("manager", readEndpoint, EXPECTED.manager),
    store: path("store"),
    logFormat: find(
      "log-format",
      (value) => LOG_FORMATS.find((one) => one === value),
      EXPECTED.logFormat,
    ),
    logPrivacy: find(
      "log-privacy",
      (value) => LOG_PRIVACIES.find((one) => one === value),
      EXPECTED.logPrivacy,
    ),
    reusePort: args.has("reuse-port") || file?.object.flag("reuse_port"),
    maxConnectionsPerHost: find(
      "max-connections-per-host",
      (value) => readInteger(value, 1),
      EXPECTED.count,
    ),
  };
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  );
}

function readToken(path: string, readText: (path: string) => string): string {
  const [token = ""] = readText(path).split(/\r?\n/, 1);
  if (token !== "") return token;
  throw new ConfigError(
    "ERR_CONFIG_VALUE",
    `${path}: expected a token in the first line, which is empty`,
  );
}

function readAdmin(value: unknown): AdminAddress | undefined {
  if (typeof value !== "string") return undefined;
  if (!value.startsWith("unix:")) return readEndpoint(value);
  const path = value.slice("unix:".length);
  return path.startsWith("/") ? { path } : undefined;
}

function readEndpoint(value: unknown): Endpoint | undefined {
  if (typeof value !== "string") return undefined;
  const { host, port } = readHostAndPort(value) ?? {};
  return host === undefined || port === undefined ? undefined : { host, port };
}
