/**
 * The servers of a configuration file, in the forms of libev (`server`, a
 * string or a list; `port_password`) and of rust (`servers`).
 *
 * @module
 */
import { badValue } from "../../errors.ts";
import { isShared, type MudbUser, readMudb } from "../../codec/ssr_config.ts";
import {
  findSsrObfs,
  findSsrProtocol,
} from "../../session/shadowsocksr/names.ts";
import { WEIGHTS } from "../settings/balancer.ts";
import { PASSWORD } from "../settings/kinds.ts";
import { LIGHTSOCKS, SSR, SSR_PORTS } from "../settings/legacy.ts";
import { LOCAL } from "../settings/local.ts";
import { FORBIDDEN } from "../settings/network.ts";
import { PLUGIN } from "../settings/plugin.ts";
import { fromObject } from "../settings/read.ts";
import { ACL } from "../settings/routes.ts";
import { ENTRY, PREFIX, SERVER, SERVERS } from "../settings/server.ts";
import { SERVICE } from "../settings/service.ts";
import { keysOf, type Kind, type Place } from "../settings/setting.ts";
import { knownKeys } from "../settings/tables.ts";
import { USER, USER_LIMITS } from "../settings/users.ts";
import {
  type ConfigObject,
  MUDB_KEY,
  type NamedConfig,
} from "./config_file.ts";
import { checkNotServed } from "./not_served.ts";
import { carriersFrom, unknownCarrierKeys } from "./transport_settings.ts";
import { saidPlugin } from "./plugin_settings.ts";
import { locate, type Secrets } from "./secrets.ts";
import {
  methodAt,
  type ServerSettings,
  type UserSettings,
  wireOf,
} from "./server_settings.ts";
import {
  type HostAndPort,
  isWildcard,
  PORT_EXPECTED,
  readPort,
} from "./values.ts";
import { userNameFault } from "../../users.ts";

/** The servers of a configuration file. */
export interface FileServers {
  /** The servers that the file names, in order. */
  readonly servers: readonly ServerSettings[];
  /** Settings for each server that does not have its own. */
  readonly common: ServerSettings;
  /** Warnings for the operator. */
  readonly warnings: readonly string[];
}

/**
 * Reads every server of a file.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function serversFromFile(
  { object: file, name }: NamedConfig,
  secrets: Secrets,
): FileServers {
  const { portPassword } = fromObject(SERVERS, file);
  const { additionalPorts, additionalPortsOnly = false, host6 } = fromObject(
    SSR_PORTS,
    file,
  );
  const { hosts: first, ...common } = topFromObject(file, secrets);
  // Only a server listens on a second address; a client's file may have the key
  // as well.
  const hosts =
    host6 !== undefined && first.every(({ host }) => isWildcard(host))
      ? [...first, host6]
      : first;
  const named = (hosts.length > 0 ? hosts : [{}])
    .map((host) => ({ ...host, origin: file.where("server") }));
  const onTheirPorts = (key: string): ServerSettings[] =>
    named.flatMap((host) => onPorts(host, file, key, secrets));
  const everyone = mudbOf(file).filter(({ isEnabled }) => isEnabled);
  const servers: ServerSettings[] = [
    // The users of `mudb.json` have ports of their own, which replace the one
    // port.
    ...file.has(MUDB_KEY)
      ? []
      : portPassword !== undefined
      ? onTheirPorts("port_password")
      : hosts.length > 0 && !additionalPortsOnly
      ? named
      : [],
    ...additionalPorts === undefined
      ? []
      : onTheirPorts("additional_ports").map((one) => sharedBy(one, everyone)),
    ...everyone.filter((user) => user.isShared || !additionalPortsOnly)
      .map((user) => mudbServer(user, everyone, file))
      .flatMap((user) => named.map((host) => ({ ...host, ...user }))),
  ];
  if (file.has(MUDB_KEY) && servers.length === 0) {
    throw badValue(
      `${file.where(MUDB_KEY)}: there is no port to serve: enable a user` +
        (additionalPortsOnly ? ', or leave "additional_ports_only" out' : ""),
    );
  }
  const warnings = [
    ...warningsOf(file, "top"),
    ...wordless(file),
  ];
  const entries = keysOf(SERVERS.servers).flatMap((key) => file.children(key));
  for (const object of entries) {
    if (fromObject(ENTRY, object, "server").disabled) continue;
    warnings.push(
      ...warningsOf(object, "server"),
      ...object.unknownKeys(knownKeys("server")),
    );
    const { hosts: [host, second], ...server } = serverFromObject(
      object,
      "server",
      secrets,
    );
    if (second !== undefined) throw object.wrong("server", "one HOST");
    servers.push({ ...server, ...host });
  }
  return { servers, common: { ...common, origin: name }, warnings };
}

/** Returns warnings about unsupported keys, and about unknown keys of users. */
function warningsOf(object: ConfigObject, place: Place): string[] {
  const known = knownKeys("user");
  return [
    ...checkNotServed(object, place),
    ...object.children("users").flatMap((user) => user.unknownKeys(known)),
    ...unknownCarrierKeys(object),
  ];
}

/** Reads the settings at the top of a file, also in the form of lightsocks. */
function topFromObject(
  file: ConfigObject,
  secrets: Secrets,
): ServerSettings & { readonly hosts: readonly HostAndPort[] } {
  const server = serverFromObject(file, "top", secrets);
  const { protocol = [] } = fromObject(LOCAL, file, "top");
  const wire = wireOf(protocol, file.where("protocol"));
  const { listen, remote, serverHost, serverPort, localHost, localPort } =
    fromObject(LIGHTSOCKS, file);
  const words = [listen, remote, serverHost, serverPort, localHost, localPort];
  if (words.every((word) => word === undefined)) return { ...server, wire };
  // In a file of the Go original with "remote", "listen" is the address of the
  // local.
  const host = remote ?? serverHost ??
    (localHost === undefined ? listen : undefined);
  return {
    ...server,
    wire: "lightsocks",
    hosts: host === undefined ? server.hosts : [host],
    port: serverPort ?? server.port,
  };
}

/** Reads a user of `mudb.json`. Each user has a port of its own. */
function mudbServer(
  user: MudbUser,
  everyone: readonly MudbUser[],
  file: ConfigObject,
): ServerSettings {
  const { port, name, limits, connectionBytesPerSecond } = user;
  const origin = `${file.where(MUDB_KEY)}: port ${port}`;
  const { protocol: wire, obfs } = locate(origin, () => checkedSsr(user));
  return {
    origin,
    port,
    method: methodAt(origin, user.method, "given"),
    secret: { kind: "password", text: user.password, origin },
    wire,
    protocolParam: user.protocolParam,
    obfs,
    obfsParam: user.obfsParam,
    tag: name,
    connectionBytesPerSecond,
    ...forbiddenTo(user, origin),
    ...user.isShared
      ? { users: usersBeside(user, everyone) }
      : limits && { owner: { name, limits } },
  };
}

/** Returns a port of the configuration that the users of `mudb.json` share. */
function sharedBy(
  server: ServerSettings,
  everyone: readonly MudbUser[],
): ServerSettings {
  const { wire, protocolParam } = server;
  return everyone.length > 0 && isShared(wire, protocolParam)
    ? { ...server, users: usersBeside(undefined, everyone) }
    : server;
}

function usersBeside(
  user: MudbUser | undefined,
  everyone: readonly MudbUser[],
): UserSettings[] {
  return everyone.filter((one) => one !== user).map(sharingUser);
}

/** @throws {ConfigError} If one of the lists is invalid. */
function forbiddenTo(
  user: MudbUser,
  origin: string,
): Pick<ServerSettings, "forbiddenIps" | "forbiddenPorts"> {
  const read = <T>(
    { key, kind }: { readonly key?: string; readonly kind: Kind<T> },
    text: string | undefined,
  ): T | undefined => {
    const value = text === undefined ? undefined : kind.read(text);
    if (value !== undefined || text === undefined) return value;
    throw badValue(`${origin}: ${key}: expected ${kind.expected}`);
  };
  return {
    forbiddenIps: read(FORBIDDEN.forbiddenIps, user.forbiddenIps),
    forbiddenPorts: read(FORBIDDEN.forbiddenPorts, user.forbiddenPorts),
  };
}

/**
 * Makes a user of the port that all users share. The number of the user is the
 * number of its own port.
 */
function sharingUser(user: MudbUser): UserSettings {
  const { port, name, password: text, limits } = user;
  const origin = `the user of port ${port}`;
  return {
    name,
    uid: port,
    secret: { kind: "password", text, origin },
    ...limits && { limits },
  };
}

function checkedSsr(user: MudbUser): MudbUser {
  if (user.protocol !== undefined) findSsrProtocol(user.protocol);
  if (user.obfs !== undefined) findSsrObfs(user.obfs);
  return user;
}

function mudbOf(file: ConfigObject): readonly MudbUser[] {
  if (!file.has(MUDB_KEY)) return [];
  const isAlone = file.keys().length === 1;
  return locate(
    file.where(MUDB_KEY),
    () => readMudb(file.values(MUDB_KEY), isAlone),
  );
}

/**
 * Warns about a `protocol_param` at the top of a file without a protocol, which
 * has no effect on the servers below.
 */
function wordless(file: ConfigObject): string[] {
  const { wire, obfs, protocolParam } = fromObject(SSR, file, "top");
  return protocolParam && obfs === undefined && wire === undefined &&
      !file.has("protocol")
    ? [`ignored: ${file.where("protocol_param")}: the file has no "protocol"`]
    : [];
}

/**
 * Reads libev's `port_password`, or the ports of ShadowsocksR: the same host
 * once for each port.
 */
function onPorts(
  host: ServerSettings,
  file: ConfigObject,
  key: string,
  secrets: Secrets,
): ServerSettings[] {
  const passwords = file.child(key)!;
  return passwords.keys().map((text) => {
    const origin = passwords.where(text);
    const port = readPort(text);
    if (port === undefined) {
      throw badValue(`${origin}: expected ${PORT_EXPECTED}`);
    }
    const own = passwords.child(text);
    if (own !== undefined) {
      const { hosts: _, ...server } = serverFromObject(own, "server", secrets);
      return { ...host, ...withHolder(own, server, port), port };
    }
    const list = passwords.values(text);
    const [password, obfs, wire] = list.length < 2
      ? [passwords.value(text, PASSWORD)]
      : list.map((_, i) =>
        passwords.item(text, i, [PASSWORD, SSR.obfs.kind, SSR.wire.kind][i])
      );
    return {
      ...host,
      origin,
      port,
      secret: secrets.password(password!, origin),
      ...(obfs !== undefined && { obfs }),
      ...(wire !== undefined && { wire }),
    };
  });
}

/**
 * Makes the password of a port that has limits the password of a user, named
 * after the port if it has no name.
 */
function withHolder(
  object: ConfigObject,
  server: ServerSettings,
  port: number,
): ServerSettings {
  const limits = fromObject(USER_LIMITS, object, "user");
  const { secret, tag: name = `port-${port}` } = server;
  const isLimited = Object.keys(limits).length > 0;
  if (!isLimited || secret === undefined) return server;
  const fault = userNameFault(name);
  if (fault !== undefined) throw object.wrong("name", `another: it ${fault}`);
  const { secret: _, ...rest } = server;
  return { ...rest, users: [...server.users ?? [], { name, secret, limits }] };
}

/** Reads the settings of one server that both forms share. */
function serverFromObject(
  object: ConfigObject,
  place: Place,
  secrets: Secrets,
): ServerSettings & { readonly hosts: readonly HostAndPort[] } {
  const { hosts, port, method, tag } = fromObject(SERVER, object, place);
  const carriers = carriersFrom(object, place);
  const weights = fromObject(WEIGHTS, object, place);
  // The host of the WebSocket, if the file names no other.
  const { url, udpUrl } = carriers.transport ?? {};
  const isOneWay = url !== undefined && udpUrl === undefined;
  const users = object.children("users").map((user) =>
    userFromObject(user, secrets)
  );
  return {
    origin: object.where(),
    ...fromObject(SSR, object, place),
    ...fromObject(FORBIDDEN, object, place),
    hosts: hosts ?? (url === undefined ? [] : [{ host: url.host }]),
    port: port ?? url?.port,
    method: methodAt(object.where("method"), method),
    secret: secrets.fromObject(object, place),
    plugin: saidPlugin({
      ...fromObject(PLUGIN, object, place),
      folder: secrets.folder,
    }),
    users: users.length > 0 ? users : undefined,
    service: fromObject(SERVICE, object, place),
    tag,
    ...fromObject(PREFIX, object, place),
    // An ACL at the top applies to all servers and is read elsewhere.
    acl: place === "server" ? fromObject(ACL, object, place).files : undefined,
    ...carriers,
    ...weights,
    ...isOneWay && { udpWeight: weights.udpWeight ?? 0 },
  };
}

function userFromObject(object: ConfigObject, secrets: Secrets): UserSettings {
  const { name, uid, disabled } = fromObject(USER, object, "user");
  const limits = fromObject(USER_LIMITS, object, "user");
  const secret = secrets.fromObject(object, "user");
  if (name === undefined) throw object.wrong("name", "text");
  const fault = userNameFault(name);
  if (fault !== undefined) throw object.wrong("name", `another: it ${fault}`);
  if (secret === undefined) {
    throw object.wrong("password", 'text, or "password_file", or "key"');
  }
  return {
    name,
    secret,
    ...(uid !== undefined && { uid }),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(disabled && { disabled }),
  };
}
