/**
 * `umbra migrate`: turns the servers of another program into a configuration of
 * Umbra with the same ports, methods and keys, so that no client has to change.
 * The holder of a port that had one password becomes a user with a name, who
 * can have counts and limits.
 *
 * @module
 */
import { type UserLimits, userNameFault } from "../../users.ts";
import { parseIp } from "../../codec/ip_address.ts";
import { findMethod, type Method } from "../../crypto/method.ts";
import { badValue } from "../../errors.ts";
import { findCommand } from "../commands/commands.ts";
import { configureServer } from "../config/config.ts";
import { parseStrictJson } from "../../codec/json.ts";
import { methodOf, secretOf } from "../config/credentials.ts";
import {
  findServers,
  listed,
  portOf,
  readConfig,
} from "../config/find_servers.ts";
import { pluginKeys } from "../config/plugin_settings.ts";
import { type Secret, Secrets, type Sources } from "../config/secrets.ts";
import type { ServerSettings } from "../config/server_settings.ts";
import { keysOf } from "../settings/setting.ts";
import { NAMES, SOCKETS } from "../settings/sockets.ts";
import type { ConfigObject } from "../config/config_file.ts";
import { parseArguments } from "../options/args.ts";
import { usage } from "../options/getopt.ts";
import { isOutline, type OutlineKey, readOutlineKeys } from "./outline_keys.ts";

/** The configuration, and notes about it. */
export interface Migrated {
  /** The configuration. Secret. */
  readonly text: string;
  /** One sentence for each note. */
  readonly notes: readonly string[];
  /** The ports of the old server, in the order of its file. */
  readonly ports: readonly number[];
}

const MAX_PORT = 65_535;

/** Every address of the machine, IPv6 and IPv4. */
const EVERYWHERE = "::";

const EVERYWHERE_IPV4 = "0.0.0.0";

/** A server in the configuration. */
interface Entry {
  readonly hosts: readonly string[];
  readonly port: number;
  readonly method: Method;
  /** Absent if only users have passwords. */
  readonly password?: string;
  readonly key?: string;
  /** Keys of the plugin in front of the server. */
  readonly plugin?: Readonly<Record<string, unknown>>;
  readonly users: readonly EntryUser[];
}

interface EntryUser {
  readonly name: string;
  readonly password: string;
  readonly limits?: UserLimits;
}

/** Facts that the files may not contain. */
export interface MigrateWishes {
  /** The host under which clients reach the server, for links. */
  readonly host?: string | undefined;
  /**
   * The method of ports that name none, from the command line of ss-manager.
   */
  readonly method?: string | undefined;
  /**
   * The number that is added to each port, for a server that runs beside the
   * old one; not set if the new server replaces the old one.
   */
  readonly beside?: number | undefined;
}

/**
 * Makes the configuration.
 *
 * @param files Names of configurations of other programs.
 * @throws {ConfigError} If a file cannot be read, or a server is not supported.
 */
export function migrate(
  files: readonly string[],
  wishes: MigrateWishes,
  sources: Sources,
): Migrated {
  const notes: string[] = [];
  const entries = files.flatMap((file) => {
    const document = parseStrictJson(sources.readText(file));
    return isOutline(document)
      ? fromOutline(readOutlineKeys(document, file), notes)
      : fromConfig(file, wishes, sources, notes);
  });
  const ports = [...new Set(entries.map(({ port }) => port))];
  const { beside } = wishes;
  const text = beside === undefined
    ? format(entries, wishes.host)
    : formatBeside(besideOf(entries, ports, beside));
  checkFit(text, sources);
  return { text, notes, ports };
}

/**
 * Makes the users of each Outline port. Outline tries the keys of a port, as
 * Umbra does.
 */
function fromOutline(keys: readonly OutlineKey[], notes: string[]): Entry[] {
  if (keys.some(({ limitBytes }) => limitBytes !== undefined)) {
    notes.push(
      "Outline counts a data limit over 30 days; a quota of Umbra counts " +
        "until it is cleared with `umbra user`, the page or the API",
    );
  }
  const ports = [...new Set(keys.map(({ port }) => port))];
  return ports.map((port) => {
    const all = keys.filter((key) => key.port === port);
    const { method } = all[0]!;
    const same = all.filter((key) => key.method === method);
    for (
      const { id, method } of all.filter((key) => key.method !== all[0]!.method)
    ) {
      notes.push(
        `key ${id} is left out: its method ${method} differs from the ` +
          `method of the first key of port ${port}, and a port has one method`,
      );
    }
    const found = findMethod(method);
    const taken = new Set<string>();
    const users = same.map(({ id, name, password, limitBytes }) => ({
      name: uniqueName(name, `key-${id}`, taken),
      password,
      ...limitBytes !== undefined && { limits: { quotaBytes: limitBytes } },
    }));
    return { hosts: [EVERYWHERE], port, method: found, users };
  });
}

/**
 * Returns a name that is valid and unique: names of other programs may be empty
 * or repeated.
 */
function uniqueName(name: string, other: string, taken: Set<string>): string {
  const wanted = userNameFault(name) === undefined ? name : other;
  const unique = taken.has(wanted) ? `${wanted} (${other})` : wanted;
  taken.add(unique);
  return unique;
}

/**
 * Reads a configuration of shadowsocks-libev, ss-manager or shadowsocks-rust.
 */
function fromConfig(
  file: string,
  { method }: MigrateWishes,
  sources: Sources,
  notes: string[],
): Entry[] {
  const object = readConfig(file, sources);
  const usual = method === undefined || object.has("method")
    ? []
    : ["-m", method];
  const args = parseArguments(findCommand("server")!, ["-c", file, ...usual]);
  const named = { object, name: file };
  const secrets = new Secrets(sources, named);
  const found = findServers(args, named, secrets);
  const left = found.warnings.filter((one) => one.startsWith("ignored: "));
  notes.push(...left, ...socketKeys(object));
  if (!object.has("mode")) {
    notes.push(`${file} does not mention UDP: UDP is served as well`);
  }
  return merged(listed(found, secrets).map(entryOf));
}

/** Notes keys about sockets, which concern no user. */
function socketKeys(object: ConfigObject): string[] {
  return Object.values({ ...SOCKETS, ...NAMES }).flatMap(keysOf)
    .filter((key) => object.has(key) && object.values(key)[0] !== false)
    .map((key) => `left out: ${object.where(key)}: set it for the new server`);
}

function entryOf(server: ServerSettings): Entry {
  const method = methodOf(server);
  const port = portOf(server);
  if (method.family.name === "lightsocks" || method.userKind === "uid") {
    throw badValue(
      `${server.origin}: a server of ${method.name} needs no migration: ` +
        "start umbra server -c FILE",
    );
  }
  const base = {
    hosts: [server.host ?? EVERYWHERE],
    port,
    method,
    plugin: pluginKeys(server.plugin),
  };
  const { users = [], tag } = server;
  const own = server.secret && written(server.secret);
  if (users.length > 0) {
    return {
      ...base,
      ...own,
      users: users.map(({ name, secret, limits }) => ({
        name,
        password: secret.text,
        ...limits && { limits },
      })),
    };
  }
  if (method.keyLength === 0) return { ...base, users: [] };
  const secret = secretOf(server);
  // A single password gets a user only if the server tries keys.
  if (method.userKind !== "trial" || secret.kind === "key") {
    return { ...base, ...written(secret), users: [] };
  }
  const name = uniqueName(tag ?? "", `port-${port}`, new Set());
  return { ...base, users: [{ name, password: secret.text }] };
}

function written({ kind, text }: Secret): { password?: string; key?: string } {
  return kind === "key" ? { key: text } : { password: text };
}

/** Joins the addresses of one port into one server. */
function merged(entries: readonly Entry[]): Entry[] {
  const byPort = new Map<string, Entry>();
  for (const entry of entries) {
    const { hosts, ...rest } = entry;
    const key = JSON.stringify({ ...rest, method: rest.method.name });
    const known = byPort.get(key);
    byPort.set(
      key,
      known === undefined
        ? entry
        : { ...known, hosts: [...known.hosts, ...hosts] },
    );
  }
  return [...byPort.values()];
}

/**
 * Returns the same servers on other ports, on every address: redirected
 * connections arrive at another address of the machine than the one that the
 * client knows.
 *
 * @throws {ConfigError} `ERR_CONFIG_USAGE` if a port is not available.
 */
function besideOf(
  entries: readonly Entry[],
  ports: readonly number[],
  beside: number,
): Entry[] {
  return entries.map(({ hosts, port, ...rest }) => {
    const other = port + beside;
    if (other > MAX_PORT) {
      throw usage(
        `--beside ${beside}: port ${port} would become ${other}, and the last ` +
          `one is ${MAX_PORT}`,
      );
    }
    if (ports.includes(other)) {
      throw usage(
        `--beside ${beside}: port ${port} would become ${other}, which is ` +
          "another port of the old server",
      );
    }
    const ipv4 = hosts.every((host) => parseIp(host)?.length === 4);
    const everywhere = ipv4 ? EVERYWHERE_IPV4 : EVERYWHERE;
    return { ...rest, hosts: [everywhere], port: other };
  });
}

function format(entries: readonly Entry[], host: string | undefined): string {
  return `// Made by \`umbra migrate\`: the ports, methods and keys that clients have.
// "admin": "127.0.0.1:9090" adds the page, "store": "umbra.db" keeps counts.
${configText(entries, { ...host !== undefined && { public_host: host } })}`;
}

/** Omits UDP: datagrams go to the old server until it ends. */
function formatBeside(entries: readonly Entry[]): string {
  return `// Made by \`umbra migrate --beside\`: to run until the old server has ended.
${configText(entries, { mode: "tcp_only" })}`;
}

function configText(entries: readonly Entry[], more: object): string {
  const legacy = entries.some(({ method }) => !method.family.authenticates);
  const config = {
    mode: "tcp_and_udp",
    ...more,
    ...legacy && { allow_legacy: true },
    servers: entries.flatMap(({ hosts, port, method, users, plugin, ...own }) =>
      hosts.map((server) => ({
        server,
        server_port: port,
        method: method.name,
        ...own,
        ...plugin,
        ...users.length > 0 && { users: users.map(userOf) },
      }))
    ),
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

function userOf({ name, password, limits }: EntryUser): object {
  const { quotaBytes } = limits ?? {};
  return {
    name,
    password,
    ...quotaBytes !== undefined && { quota_bytes: Math.max(1, quotaBytes) },
  };
}

/** Checks that a server starts with the printed text. */
function checkFit(text: string, sources: Sources): void {
  const name = "the configuration that was made";
  const args = parseArguments(findCommand("server")!, ["-c", name]);
  configureServer(args, {
    ...sources,
    readText: (path) => path === name ? text : sources.readText(path),
    isPublic: () => false,
  });
}
