/**
 * What the command line and the top of a configuration file say of the running
 * program rather than of its servers: the operator's port, the manager, the
 * store of users, the log and the guard.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import * as v from "valibot";
import { formatAddress } from "../../codec/address.ts";
import type { Endpoint, OutboundAddresses } from "../../transport.ts";
import type { Arguments } from "../options/args.ts";
import type { NamedConfig } from "./config_file.ts";
import {
  alternatives,
  choice,
  count,
  flag,
  type Keys,
  text,
  textAs,
  texts,
} from "./config_keys.ts";
import type { LogFormat } from "../log/log.ts";
import type { LogPrivacy } from "../log/log_privacy.ts";
import { badOption, option } from "../options/option_value.ts";
import type { Secrets } from "./secrets.ts";
import { readHostAndPort, readInteger } from "./values.ts";

/** A TCP address, or the path of a unix socket. */
export type AdminAddress = Endpoint | { readonly path: string };

/** What was asked for; what is not set was not. Paths are absolute. */
export interface OperatorSettings {
  /** Where metrics, API and dashboard are served. */
  readonly admin?: AdminAddress;
  /** The line of `admin_token_file`. Never logged. */
  readonly adminToken?: string;
  /** Names besides its address under which `admin` may be asked for. */
  readonly adminHosts?: readonly string[];
  /** Host of the `ss://` URIs that users are given. */
  readonly publicHost?: string;
  /** Where the `ss-manager` protocol is served: UDP, or unix datagrams. */
  readonly manager?: AdminAddress;
  /** Whether that may be where others than this machine can send to it. */
  readonly managerAnywhere?: boolean;
  /** File of the store of users and counts. */
  readonly store?: string;
  /** Default: `text`. */
  readonly logFormat?: LogFormat;
  /** Default: see `DEFAULT_LOG_PRIVACY`. */
  readonly logPrivacy?: LogPrivacy;
  /** Whether each connection has its line. */
  readonly logConnections?: boolean;
  /** Whether another process may listen on the same ports. */
  readonly reusePort?: boolean;
  /** Connections of one client address at once. */
  readonly maxConnectionsPerHost?: number;
  /** Where everything leaves from; default: the system chooses. */
  readonly outbound?: OutboundAddresses;
}

/** As it is written on the command line. */
export function formatAdminAddress(address: AdminAddress): string {
  return "path" in address ? `unix:${address.path}` : formatAddress(address);
}

const LOG_FORMATS: readonly LogFormat[] = ["text", "json"];

const LOG_PRIVACIES: readonly LogPrivacy[] = ["full", "hashed", "none"];

const ADMIN_EXPECTED = "HOST:PORT or unix:/PATH";

const HOST_NAME_EXPECTED = "a name or an IP address, without a port";

const OPERATOR = v.object({
  admin: textAs({
    about: "Where metrics, API and dashboard are served: HOST:PORT or " +
      "unix:/PATH",
    expected: ADMIN_EXPECTED,
    read: readAdmin,
  }),
  admin_token_file: text(
    "File with the token of admin in its one line, relative to this file",
  ),
  admin_host: texts({
    about: "Names by which admin may be asked for, besides its address",
    expected: HOST_NAME_EXPECTED,
    read: readHostName,
  }),
  public_host: textAs({
    about: "Name or address by which clients reach the server, for its URIs",
    expected: HOST_NAME_EXPECTED,
    read: readHostName,
  }),
  manager: textAs({
    about:
      "Where the protocol of ss-manager is served: HOST:PORT for UDP, or " +
      "unix:/PATH",
    expected: ADMIN_EXPECTED,
    read: readAdmin,
  }),
  manager_anywhere: flag("Let manager be where other machines can send to it"),
  store: text("File that keeps users and counts, relative to this file"),
  log_format: choice(LOG_FORMATS, "How log lines look"),
  log_privacy: choice(LOG_PRIVACIES, "What the log tells of targets"),
  log_connections: flag("Log each connection when it ends"),
  reuse_port: flag("Let another process listen on the same ports"),
  max_connections_per_host: count("Connections of one client address at once"),
});

/** Keys at the top of a configuration file. */
export const OPERATOR_KEYS: Keys = OPERATOR.entries;

/**
 * Command line and file as one; an option beats the file. A path in the file
 * is relative to the file.
 *
 * @param file Not set: no file was given.
 * @throws {ConfigError} With the place of the mistake.
 */
export function operatorSettings(
  args: Arguments,
  file: NamedConfig | undefined,
  secrets: Secrets,
): OperatorSettings {
  const said = file?.object.read(OPERATOR);
  /** An option's path, or the file's, and where it was written. */
  const path = (
    name: string,
    inFile: string | undefined,
  ): readonly [string, string] | undefined => {
    const chosen = args.last(name);
    if (chosen !== undefined) return [resolve(chosen), `--${name}`];
    return inFile === undefined || file === undefined ? undefined : [
      resolve(dirname(file.name), inFile),
      file.object.where(name.replaceAll("-", "_")),
    ];
  };
  const tokenFile = path("admin-token-file", said?.admin_token_file);
  const settings = {
    admin: option(args, "admin", readAdmin, ADMIN_EXPECTED) ?? said?.admin,
    adminToken: tokenFile && secrets.read(...tokenFile).text,
    adminHosts: hostNames(args) ?? said?.admin_host,
    publicHost: option(
      args,
      "public-host",
      readHostName,
      HOST_NAME_EXPECTED,
    ) ?? said?.public_host,
    manager: option(args, "manager", readAdmin, ADMIN_EXPECTED) ??
      said?.manager,
    managerAnywhere: args.has("manager-anywhere") || said?.manager_anywhere,
    store: path("store", said?.store)?.[0],
    logFormat: choiceOption(args, "log-format", LOG_FORMATS) ??
      said?.log_format,
    logPrivacy: choiceOption(args, "log-privacy", LOG_PRIVACIES) ??
      said?.log_privacy,
    logConnections: args.has("log-connections") || said?.log_connections,
    reusePort: args.has("reuse-port") || said?.reuse_port,
    maxConnectionsPerHost: option(
      args,
      "max-connections-per-host",
      (text) => readInteger(text, 1),
      "a whole number, 1 or more",
    ) ?? said?.max_connections_per_host,
  };
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  );
}

/** `public_host` of a file. @throws {ConfigError} With its place. */
export function publicHostOf(file: NamedConfig): string | undefined {
  const { public_host } = OPERATOR.entries;
  return file.object.read(v.object({ public_host })).public_host;
}

function choiceOption<T extends string>(
  args: Arguments,
  name: string,
  words: readonly T[],
): T | undefined {
  return option(
    args,
    name,
    (text) => words.find((word) => word === text),
    alternatives(words),
  );
}

function hostNames(args: Arguments): string[] | undefined {
  const names = args.all("admin-host").map((text) => {
    const name = readHostName(text);
    if (name !== undefined) return name;
    throw badOption("admin-host", HOST_NAME_EXPECTED);
  });
  return names.length > 0 ? names : undefined;
}

function readHostName(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const { host, port } = readHostAndPort(value) ?? {};
  return port === undefined ? host : undefined;
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
