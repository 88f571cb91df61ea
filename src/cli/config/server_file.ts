/**
 * What a configuration file says of its servers: the forms of libev (`server`,
 * text or a list; `port_password`) and of rust (`servers`).
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { WEIGHTS } from "../settings/balancer.ts";
import { PASSWORD } from "../settings/kinds.ts";
import { fromObject } from "../settings/read.ts";
import { ENTRY, SERVER, SERVERS } from "../settings/server.ts";
import { SERVICE } from "../settings/service.ts";
import { keysOf, type Place } from "../settings/setting.ts";
import { knownKeys } from "../settings/tables.ts";
import { USER, USER_LIMITS } from "../settings/users.ts";
import type { ConfigObject, NamedConfig } from "./config_file.ts";
import { checkNotServed } from "./not_served.ts";
import type { Secrets } from "./secrets.ts";
import {
  methodAt,
  type ServerSettings,
  type UserSettings,
} from "./server_settings.ts";
import { type HostAndPort, PORT_EXPECTED, readPort } from "./values.ts";
import { userNameFault } from "../../users.ts";

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
 * Reads every server of a file.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function serversFromFile(
  { object: file, name }: NamedConfig,
  secrets: Secrets,
): FileServers {
  const { portPassword } = fromObject(SERVERS, file);
  const { hosts, ...common } = serverFromObject(file, "top", secrets);
  const named = (hosts.length > 0 ? hosts : [{}])
    .map((host) => ({ ...host, origin: file.where("server") }));
  const servers: ServerSettings[] = portPassword !== undefined
    ? named.flatMap((host) => onPorts(host, file, secrets))
    : hosts.length > 0
    ? named
    : [];
  const warnings = warningsOf(file, "top");
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

/** Of keys that are not served, and of unknown ones of users. */
function warningsOf(object: ConfigObject, place: Place): string[] {
  const known = knownKeys("user");
  return [
    ...checkNotServed(object, place),
    ...object.children("users").flatMap((user) => user.unknownKeys(known)),
  ];
}

/** libev's `port_password`: the same host once for each port. */
function onPorts(
  host: ServerSettings,
  file: ConfigObject,
  secrets: Secrets,
): ServerSettings[] {
  const passwords = file.child("port_password")!;
  return passwords.keys().map((text) => {
    const origin = passwords.where(text);
    const port = readPort(text);
    if (port === undefined) {
      throw new ConfigError(
        "ERR_CONFIG_VALUE",
        `${origin}: expected ${PORT_EXPECTED}`,
      );
    }
    const password = passwords.value(text, PASSWORD);
    return {
      ...host,
      origin,
      port,
      secret: secrets.password(password, origin),
    };
  });
}

/** Everything of one server that both forms share. */
function serverFromObject(
  object: ConfigObject,
  place: Place,
  secrets: Secrets,
): ServerSettings & { readonly hosts: readonly HostAndPort[] } {
  const { hosts = [], port, method, tag } = fromObject(SERVER, object, place);
  const users = object.children("users").map((user) =>
    userFromObject(user, secrets)
  );
  return {
    origin: object.where(),
    hosts,
    port,
    method: methodAt(object.where("method"), method),
    secret: secrets.fromObject(object, place),
    users: users.length > 0 ? users : undefined,
    service: fromObject(SERVICE, object, place),
    tag,
    ...fromObject(WEIGHTS, object, place),
  };
}

function userFromObject(object: ConfigObject, secrets: Secrets): UserSettings {
  const { name, disabled } = fromObject(USER, object, "user");
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
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(disabled && { disabled }),
  };
}
