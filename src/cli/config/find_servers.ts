/**
 * Collects all servers of command line, URIs, configuration file and published
 * list, with all their settings.
 *
 * @module
 */
import { isOnlineUrl } from "../../codec/sip008.ts";
import { badValue, ConfigError } from "../../errors.ts";
import type { Endpoint } from "../../transport.ts";
import type { Arguments } from "../options/args.ts";
import { DEFAULT_SERVER_HOST } from "../commands/defaults.ts";
import {
  type ConfigObject,
  MUDB_KEY,
  type NamedConfig,
  parseConfig,
} from "./config_file.ts";
import { foreignFile } from "./foreign_file.ts";
import { merge as mergeSaid } from "../settings/read.ts";
import { knownKeys } from "../settings/tables.ts";
import { withSecret } from "./credentials.ts";
import { onlineObject, unknownOnlineKeys } from "./online_settings.ts";
import { mergePlugins } from "./plugin_settings.ts";
import type { Secrets, Sources } from "./secrets.ts";
import { findSsrFolder } from "./ssr_folder.ts";
import { serversFromFile } from "./server_file.ts";
import {
  serverFromOptions,
  serverFromUri,
  type ServerSettings,
  serversFromOptions,
} from "./server_settings.ts";

/** Servers with the settings of all sources. */
export interface FoundServers {
  /** The servers that have an address. */
  readonly servers: readonly ServerSettings[];
  /** The settings of a server that has no address. */
  readonly unnamed: ServerSettings;
  /** The options that apply to all servers. */
  readonly chosen: ServerSettings["service"];
  readonly warnings: readonly string[];
}

/**
 * Returns the servers that have an address, or the one server that listens on
 * every address.
 */
export function listed(
  { servers, unnamed }: FoundServers,
  secrets: Secrets,
): readonly ServerSettings[] {
  return (servers.length > 0 ? servers : [unnamed])
    .map((server) => withSecret(server, secrets));
}

/** Returns every server with all its settings. */
export function findServers(
  args: Arguments,
  file: NamedConfig | undefined,
  secrets: Secrets,
  online?: readonly ServerSettings[],
): FoundServers {
  const chosen = serverFromOptions(args, secrets);
  const { servers, common, warnings } = file
    ? serversFromFile(file, secrets)
    : { servers: [], common: chosen, warnings: [] };
  const here = [
    // `-s HOST:PORT` is more specific than `-p PORT`.
    ...serversFromOptions(args).map((s) => merge(s.origin, s, chosen, common)),
    ...args.operands.filter((text) => !isOnlineUrl(text)).map(serverFromUri)
      .map((s) => merge(s.origin, chosen, s)),
  ];
  const address = args.operands.find(isOnlineUrl);
  const list = address ?? onlineObject(file?.object);
  if (list !== undefined && online === undefined) {
    throw missing(
      "A published list of servers cannot be used here",
      "`umbra url` prints the URI of each server in it",
    );
  }
  // A published server is complete: options do not override its settings.
  const published = (online ?? []).map((s) =>
    merge(s.origin, s, chosen, common)
  );
  if (address !== undefined) here.push(...published);
  const there = [
    ...servers.map((s) => merge(s.origin, chosen, s, common)),
    ...published,
  ];
  // A list at the top of a file is read under this key.
  const known = new Set([...knownKeys("top"), MUDB_KEY]);
  const unknown = file?.object.unknownKeys(known) ?? [];
  // A misspelt key may be the reason why a setting is missing. The error
  // includes it, because it is thrown before warnings are shown.
  const hint = unknown.map((warning) => `; ${warning}`).join("");
  return {
    servers: (here.length > 0 ? here : there).map((s) => ({ ...s, hint })),
    unnamed: { ...merge(common.origin, chosen, common), hint },
    chosen: chosen.service,
    warnings: [
      ...warnings,
      ...unknown,
      ...unknownOnlineKeys(file?.object),
    ],
  };
}

/** Merges settings; the first source that has a setting wins. */
function merge(
  origin: string,
  ...sources: readonly ServerSettings[]
): ServerSettings {
  return {
    ...Object.assign({}, ...sources.map(present).reverse()),
    origin,
    plugin: mergePlugins(sources.map(({ plugin }) => plugin)),
    service: mergeSaid(...sources.map(({ service }) => service)),
  };
}

/** Reads the configuration file, if the command line names one. */
export function readFile(
  args: Arguments,
  sources: Sources,
): NamedConfig | undefined {
  const name = args.last("config");
  return name === undefined ? undefined : readNamed(name, sources);
}

/**
 * Reads a configuration: a file, or the folder of ShadowsocksR.
 *
 * @throws {ConfigError} Also for a file of another program; the message then
 * says what to do.
 */
export function readConfig(name: string, sources: Sources): ConfigObject {
  return readNamed(name, sources).object;
}

function readNamed(path: string, sources: Sources): NamedConfig {
  const folder = findSsrFolder(path, sources);
  if (folder === undefined) {
    return { object: readOneFile(path, sources), name: path };
  }
  const { settings: name, users: usersName } = folder;
  const settings = readOneFile(name, sources);
  if (usersName === undefined) return { object: settings, name };
  const users = readOneFile(usersName, sources);
  if (!users.has(MUDB_KEY)) {
    throw new ConfigError(
      "ERR_CONFIG_SYNTAX",
      `${usersName}: expected a list of users, each with "port" and "passwd"`,
    );
  }
  return { object: settings.withKey(MUDB_KEY, users), name, usersName };
}

function readOneFile(name: string, sources: Sources): ConfigObject {
  const text = sources.readText(name);
  const foreign = foreignFile(text);
  if (foreign === undefined) return parseConfig(text, name);
  throw new ConfigError("ERR_CONFIG_SYNTAX", `${name}: ${foreign}`);
}

/** Returns the port of a server. */
export function portOf(server: ServerSettings): number {
  if (server.port === undefined) {
    throw missing(
      `${server.origin}: no server port`,
      'give -p PORT, -s HOST:PORT, or "server_port" in the file' +
        (server.hint ?? "") + bracketHint(server.host ?? ""),
    );
  }
  return server.port;
}

/**
 * Returns a hint for an address like `::1:8443`, which is an IPv6 address
 * without a port.
 */
function bracketHint(host: string): string {
  const [, address, port] = /^(.*:.*):(\d{2,5})$/.exec(host) ?? [];
  return port === undefined
    ? ""
    : `; ${host} is an IPv6 address without a port: with port ${port} it is ` +
      `[${address}]:${port}`;
}

/** Returns the address of a server. */
export function upstreamEndpoint(server: ServerSettings): Endpoint {
  const port = portOf(server);
  const host = server.host ?? DEFAULT_SERVER_HOST;
  if (port === 0) {
    throw missing(
      `${server.origin}: no client can connect to port 0`,
      "give the port the server listens on",
    );
  }
  return { host, port };
}

/** Returns an object without the keys that are `undefined`. */
export function present<T extends object>(
  values: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** Returns the error for something missing: what is missing, and what to do. */
export function missing(what: string, remedy: string): ConfigError {
  return badValue(`${what}: ${remedy}`);
}
