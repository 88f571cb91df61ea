/**
 * Command line + configuration file + URIs → what services are started with.
 * An option beats a URI, a URI or a named server beats the file, and one
 * server's own key beats the file's common one. No I/O but through `Sources`.
 *
 * @module
 */
import { isOnlineUrl } from "../../codec/sip008.ts";
import { formatServerUri } from "../../codec/uri.ts";
import { ConfigError } from "../../errors.ts";
import type { InboundProtocol } from "../../service/inbound.ts";
import type { LocalOptions } from "../../service/local.ts";
import type { ServerOptions } from "../../service/server.ts";
import type { Endpoint } from "../../transport.ts";
import type { Arguments } from "../args.ts";
import { DEFAULT_LOCAL, DEFAULT_SERVER_HOST } from "../commands/defaults.ts";
import { type NamedConfig, parseConfig } from "./config_file.ts";
import { TOP_KEYS } from "./config_schema.ts";
import {
  clientKeys,
  methodOf,
  secretOf,
  serverKeys,
  withSecret,
} from "./credentials.ts";
import {
  localFromOptions,
  type LocalSettings,
  localsFromFile,
} from "./local_settings.ts";
import { onlineObject, unknownOnlineKeys } from "./online_settings.ts";
import {
  type OperatorSettings,
  operatorSettings,
} from "./operator_settings.ts";
import { option } from "../option_value.ts";
import { localAddressWarning, outboundOf } from "./outbound_settings.ts";
import { Secrets, type Sources } from "./secrets.ts";
import { serversFromFile } from "./server_file.ts";
import {
  serverFromOptions,
  serverFromUri,
  type ServerSettings,
  serversFromOptions,
} from "./server_settings.ts";
import { targetPolicyOf } from "./target_settings.ts";
import { mergeUdp, udpFromOptions } from "./udp_settings.ts";
import { readInteger } from "./values.ts";

/** A result, and what the operator should know although it is no error. */
export interface Configured<T> {
  /** What was asked for. */
  readonly result: T;
  /** One sentence each. */
  readonly warnings: readonly string[];
}

/** Services to start, and what holds for the program as a whole. */
export interface ConfiguredRole<T> extends Configured<T> {
  /** See there. */
  readonly operator: OperatorSettings;
}

/** A server to start, and what its keys were made of. */
export interface ConfiguredServer extends ServerOptions {
  /** Never logged. */
  readonly secrets: ServerSecrets;
  /** What `targetPolicy` lets through, to tell two policies apart. */
  readonly reach: string;
}

/** Passwords, or base64 keys, as they were written. */
export interface ServerSecrets {
  /** The server's own; not set where only users have one. */
  readonly own?: string | undefined;
  /** By name of the user. */
  readonly users: ReadonlyMap<string, string>;
}

/**
 * What `umbra local` starts: one proxy for each place to listen.
 *
 * @param online The servers of the published list that was asked for.
 * @throws {ConfigError} With the place of the mistake.
 */
export function configureLocal(
  args: Arguments,
  sources: Sources,
  online?: readonly ServerSettings[],
): ConfiguredRole<LocalOptions[]> {
  return configureLocals(args, sources, online, ({ protocol }) => protocol);
}

/**
 * What `umbra tunnel` starts: one tunnel for each place to listen.
 *
 * @param online The servers of the published list that was asked for.
 * @throws {ConfigError} With the place of the mistake.
 */
export function configureTunnel(
  args: Arguments,
  sources: Sources,
  online?: readonly ServerSettings[],
): ConfiguredRole<LocalOptions[]> {
  return configureLocals(args, sources, online, ({ protocol, tunnelTo }) => {
    if (typeof protocol === "object") return protocol;
    if (tunnelTo !== undefined) return { tunnelTo };
    throw missing(
      "No target for the tunnel",
      'give -L HOST:PORT, or -c FILE with "tunnel_address"',
    );
  });
}

/** @param protocolOf What a place to listen serves. */
function configureLocals(
  args: Arguments,
  sources: Sources,
  online: readonly ServerSettings[] | undefined,
  protocolOf: (local: LocalSettings) => InboundProtocol | undefined,
): ConfiguredRole<LocalOptions[]> {
  const file = readFile(args, sources);
  const secrets = new Secrets(sources, file?.name);
  const found = findServers(args, file, secrets, online);
  if (found.servers.length === 0) {
    throw missing(
      "No server to connect to",
      "give -s HOST:PORT, an ss:// URI, the https:// address of a list, or " +
        '-c FILE with "server"',
    );
  }
  const fromFile = file && localsFromFile(file.object, secrets);
  const chosen = localFromOptions(args);
  const locals = fromFile?.locals ?? [{}];
  // One address on the command line: one proxy.
  const count = chosen.host === undefined && chosen.port === undefined
    ? locals.length
    : 1;
  const servers = listed(found, secrets).map((server) => ({
    endpoint: upstreamEndpoint(server),
    ...clientKeys(server),
  }));
  const udp = udpFromOptions(args);
  const operator = operatorSettings(args, file, secrets);
  const idleTimeoutMs = longest(found.servers.map((s) => s.idleTimeoutMs));
  return {
    result: locals.slice(0, count).map((local) => {
      const protocol = protocolOf({
        protocol: chosen.protocol ?? local.protocol,
        tunnelTo: chosen.tunnelTo ?? local.tunnelTo,
      });
      // A tunnel has no handshake in which to ask for a password.
      const users = typeof protocol === "object"
        ? undefined
        : chosen.users ?? local.users;
      return {
        listen: {
          host: chosen.host ?? local.host ?? DEFAULT_LOCAL.host,
          port: chosen.port ?? local.port ?? DEFAULT_LOCAL.port,
        },
        servers,
        ...present({
          protocol,
          users,
          idleTimeoutMs,
          bind: args.has("bind") || undefined,
          ...limits(args, operator),
        }),
        ...mergeUdp(udp, local.udp, found.unnamed.udp),
      };
    }),
    warnings: [
      ...found.warnings,
      ...(fromFile?.warnings ?? []),
      ...found.servers.filter(({ udp }) =>
        udp?.mode !== undefined && udp.mode !== found.unnamed.udp?.mode
      ).map(({ origin }) =>
        `ignored: ${origin}: mode: one mode holds for all servers of a local`
      ),
      ...secrets.warnings,
    ],
    operator: {
      ...operator,
      ...present({
        outbound: outboundOf(args, file?.object, ["outbound-bind-addr"]),
      }),
    },
  };
}

/**
 * What `umbra server` starts: one service for each address.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function configureServer(
  args: Arguments,
  sources: Sources,
): ConfiguredRole<ConfiguredServer[]> {
  const file = readFile(args, sources);
  const secrets = new Secrets(sources, file?.name);
  const list = onlineObject(file?.object);
  if (list !== undefined) {
    throw missing(`${list.where()} is for ss-local`, "leave it out here");
  }
  const found = findServers(args, file, secrets);
  const { policy: targetPolicy, reach } = targetPolicyOf(args, file?.object);
  const udp = udpFromOptions(args);
  const operator = operatorSettings(args, file, secrets);
  return {
    result: withoutShadowed(listed(found, secrets)).map((server) => ({
      listen: {
        host: server.host ?? DEFAULT_SERVER_HOST,
        port: portOf(server),
      },
      ...serverKeys(server),
      secrets: {
        own: server.secret?.text,
        users: new Map(server.users?.map((u) => [u.name, u.secret.text])),
      },
      targetPolicy,
      reach,
      ...present({
        idleTimeoutMs: server.idleTimeoutMs,
        bind: args.has("bind") || undefined,
        ...limits(args, operator),
      }),
      ...mergeUdp(udp, server.udp, found.unnamed.udp),
    })),
    warnings: [
      ...found.warnings,
      ...secrets.warnings,
      ...localAddressWarning(file?.object),
    ],
    operator: {
      ...operator,
      ...present({
        outbound: outboundOf(args, file?.object, [
          "outbound-bind-addr",
          "local-addr",
        ]),
      }),
    },
  };
}

/**
 * The `ss://` URIs of a configuration, without duplicates.
 *
 * @param online The servers of the published list that was asked for.
 * @throws {ConfigError} With the place of the mistake.
 */
export function configureUrls(
  args: Arguments,
  sources: Sources,
  online?: readonly ServerSettings[],
): Configured<string[]> {
  const file = readFile(args, sources);
  const secrets = new Secrets(sources, file?.name);
  const found = findServers(args, file, secrets, online);
  const host = args.last("host");
  const urls = listed(found, secrets).flatMap((server) => {
    const { users } = server;
    const password = users === undefined ? passwordOf(server) : "";
    const name = host ?? server.host ?? DEFAULT_SERVER_HOST;
    if (isWildcard(name)) {
      throw missing(
        `${server.origin}: ${name} is no address to connect to`,
        "give --host NAME",
      );
    }
    const write = (password: string, tag: string | undefined): string =>
      formatServerUri({
        method: methodOf(server).name,
        password,
        host: name,
        port: upstreamEndpoint(server).port,
        ...present({ tag }),
      });
    const tag = args.last("tag") ?? server.tag;
    const { method } = serverKeys(server);
    if (users === undefined) return write(password, tag);
    // One URI for each user; with 2022 the server's key stands before its own.
    const prefix = method.edition === 2022 ? `${passwordOf(server)}:` : "";
    return users.map((user) =>
      write(
        prefix + user.secret.text,
        tag === undefined ? user.name : `${tag} ${user.name}`,
      )
    );
  });
  return {
    result: [...new Set(urls)],
    warnings: [...found.warnings, ...secrets.warnings],
  };
}

/** A secret as a URI has it. */
function passwordOf(server: ServerSettings): string {
  const { kind, text, origin } = secretOf(server);
  if (kind === "password" || methodOf(server).edition === 2022) return text;
  throw missing(`${origin}: a raw key has no ss:// form`, "use a password");
}

function readFile(args: Arguments, sources: Sources): NamedConfig | undefined {
  const name = args.last("config");
  return name === undefined
    ? undefined
    : { object: parseConfig(sources.readText(name), name), name };
}

interface FoundServers {
  /** Those with an address of their own. */
  readonly servers: readonly ServerSettings[];
  /** What is known of a server that nobody named. */
  readonly unnamed: ServerSettings;
  readonly warnings: readonly string[];
}

/** The named servers, or the one that listens on every address. */
function listed(
  { servers, unnamed }: FoundServers,
  secrets: Secrets,
): readonly ServerSettings[] {
  return (servers.length > 0 ? servers : [unnamed])
    .map((server) => withSecret(server, secrets));
}

/** Every server with all that is known of it. */
function findServers(
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
      "A published list of servers cannot be looked at here",
      "`umbra url` prints the URI of each server in it",
    );
  }
  // What is published is complete, and options do not change it.
  const published = (online ?? []).map((s) =>
    merge(s.origin, s, chosen, common)
  );
  if (address !== undefined) here.push(...published);
  const there = [
    ...servers.map((s) => merge(s.origin, chosen, s, common)),
    ...published,
  ];
  return {
    servers: here.length > 0 ? here : there,
    unnamed: merge(common.origin, chosen, common),
    warnings: [
      ...warnings,
      ...(file?.object.unknownKeys(TOP_KEYS) ?? []),
      ...unknownOnlineKeys(file?.object),
    ],
  };
}

/** The first source that tells a thing wins. */
function merge(
  origin: string,
  ...sources: readonly ServerSettings[]
): ServerSettings {
  const first = <K extends keyof ServerSettings>(key: K): ServerSettings[K] =>
    sources.find((source) => source[key] !== undefined)
      ?.[key] as ServerSettings[K];
  return {
    origin,
    host: first("host"),
    port: first("port"),
    method: first("method"),
    secret: first("secret"),
    users: first("users"),
    idleTimeoutMs: first("idleTimeoutMs"),
    udp: first("udp"),
    tag: first("tag"),
  };
}

function portOf(server: ServerSettings): number {
  if (server.port === undefined) {
    throw missing(
      `${server.origin}: no server port`,
      'give -p PORT, -s HOST:PORT, or "server_port" in the file',
    );
  }
  return server.port;
}

function upstreamEndpoint(server: ServerSettings): Endpoint {
  const port = portOf(server);
  const host = server.host ?? DEFAULT_SERVER_HOST;
  if (port === 0) {
    throw missing(
      `${server.origin}: nobody can connect to port 0`,
      "give the port the server listens on",
    );
  }
  return { host, port };
}

function limits(
  args: Arguments,
  { maxConnectionsPerHost }: OperatorSettings,
): Record<"maxConnections" | "maxConnectionsPerHost", number | undefined> {
  return {
    maxConnectionsPerHost,
    maxConnections: option(
      args,
      "max-connections",
      (text) => readInteger(text, 1),
      "a whole number, 1 or more",
    ),
  };
}

/**
 * libev's usual `["::", "0.0.0.0"]` binds two sockets; our listener on `::`
 * takes IPv4 as well, and a second one would find the port in use.
 */
function withoutShadowed(
  servers: readonly ServerSettings[],
): readonly ServerSettings[] {
  return servers.filter((server) =>
    server.host !== DEFAULT_SERVER_HOST ||
    !servers.some(({ host = "", port }) =>
      host.includes(":") && isWildcard(host) && port === server.port
    )
  );
}

function isWildcard(host: string): boolean {
  return /^[0:.]*$/.test(host);
}

function longest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((ms) => ms !== undefined);
  return known.length > 0 ? Math.max(...known) : undefined;
}

/** Without the keys that are `undefined`. */
function present<T extends object>(
  values: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** The error of something that is missing: what, and what to do. */
function missing(what: string, remedy: string): ConfigError {
  return new ConfigError("ERR_CONFIG_VALUE", `${what}: ${remedy}`);
}
