/**
 * What a configuration file says of its servers: the forms of libev (`server`,
 * text or a list; `port_password`) and of rust (`servers`).
 *
 * @module
 */
import * as v from "valibot";
import { METHODS } from "../../crypto/method.ts";
import { ConfigError } from "../../errors.ts";
import { DEFAULT_METHOD } from "../commands/defaults.ts";
import type { ConfigObject, NamedConfig } from "./config_file.ts";
import {
  flag,
  type Key,
  type Keys,
  objects,
  password,
  port,
  readHost,
  remark,
  seconds,
  text,
  texts,
} from "./config_keys.ts";
import { checkLegacyKeys, LEGACY_KEYS } from "./legacy_keys.ts";
import { OUTBOUND_KEYS } from "./outbound_settings.ts";
import { ROUTE_TOP_KEYS } from "../routes/route_options.ts";
import type { Secrets } from "./secrets.ts";
import { methodAt, type ServerSettings } from "./server_settings.ts";
import { UDP_KEYS, udpFromObject } from "./udp_settings.ts";
import { USER_KEYS, userFromObject } from "./user_settings.ts";
import {
  HOST_EXPECTED,
  type HostAndPort,
  PORT_EXPECTED,
  readPort,
} from "./values.ts";

const hosts = (about: string): Key<HostAndPort[]> =>
  texts({ about, expected: HOST_EXPECTED, read: readHost });

const SERVER = v.object({
  server: hosts(
    "Server: where to listen, 0.0.0.0 unless told. Local: the server, or " +
      "several, which are tried in turn",
  ),
  server_port: port(0, "Port of the server; 0 lets the system choose"),
  password: password(
    "Password of the method, base64 key with a 2022 method; ${NAME} is a " +
      "variable of the environment",
  ),
  password_file: text(
    "File with the password in its one line, relative to this file",
  ),
  key: text("The key itself in base64, instead of a password"),
  method: text(
    `Cipher; ${DEFAULT_METHOD} unless told`,
    METHODS.map(({ name }) => name),
  ),
  timeout: seconds("Seconds after which an idle connection is closed"),
  users: objects("Users of the server, who share its port"),
  remarks: remark("Name of the server for people"),
});

const ENTRY = v.object({
  address: hosts("The same as server"),
  port: port(0, "The same as server_port"),
  name: remark("The same as remarks"),
  disabled: flag("Leave this server out"),
});

const TOP = v.object({
  port_password: v.optional(
    v.pipe(
      v.record(
        v.string(),
        v.nonOptional(password("Password of the port")),
        'an object like { "8388": "PASSWORD" }',
      ),
      v.description("Several servers that differ in port and password"),
    ),
  ),
  servers: objects("Several servers, each with keys of its own"),
  shadowsocks: objects("The same as servers"),
});

/** Keys of one server, at the top of a file and in `servers`. */
export const SERVER_KEYS: Keys = {
  ...SERVER.entries,
  ...UDP_KEYS,
  ...LEGACY_KEYS,
};

/** What one of `servers` may have besides. */
export const SERVER_ENTRY_KEYS: Keys = ENTRY.entries;

/** What the top of a file may have besides. */
export const SERVER_TOP_KEYS: Keys = TOP.entries;

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
  const { port_password: passwords } = file.read(TOP);
  const { hosts, ...common } = serverFromObject(file, secrets);
  const named = (hosts.length > 0 ? hosts : [{}])
    .map((host) => ({ ...host, origin: file.where("server") }));
  const servers: ServerSettings[] = passwords !== undefined
    ? named.flatMap((host) => onPorts(host, passwords, file, secrets))
    : hosts.length > 0
    ? named
    : [];
  const warnings = warningsOf(file, {
    ...OUTBOUND_KEYS,
    ...ROUTE_TOP_KEYS,
  });
  const entries = ["servers", "shadowsocks"].flatMap((key) =>
    file.children(key)
  );
  for (const object of entries) {
    const { disabled, ...entry } = object.read(ENTRY);
    if (disabled) continue;
    warnings.push(
      ...warningsOf(object),
      ...object.unknownKeys({ ...SERVER_KEYS, ...SERVER_ENTRY_KEYS }),
    );
    const { hosts, ...server } = serverFromObject(object, secrets);
    const [host, second] = [...hosts, ...entry.address ?? []];
    if (second !== undefined) throw object.wrong("server", "one HOST");
    servers.push({
      ...server,
      port: server.port ?? entry.port,
      tag: server.tag ?? entry.name,
      ...host,
    });
  }
  return { servers, common: { ...common, origin: name }, warnings };
}

/** Of keys we do not serve, and of unknown ones of users. */
function warningsOf(object: ConfigObject, served?: Keys): string[] {
  return [
    ...checkLegacyKeys(object, served),
    ...object.children("users").flatMap((user) => user.unknownKeys(USER_KEYS)),
  ];
}

/** libev's `port_password`: the same host once for each port. */
function onPorts(
  host: ServerSettings,
  passwords: Readonly<Record<string, string>>,
  file: ConfigObject,
  secrets: Secrets,
): ServerSettings[] {
  return Object.entries(passwords).map(([text, password]) => {
    const origin = file.where("port_password", text);
    const port = readPort(text);
    if (port === undefined) {
      throw new ConfigError(
        "ERR_CONFIG_VALUE",
        `${origin}: expected ${PORT_EXPECTED}`,
      );
    }
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
  secrets: Secrets,
): ServerSettings & { readonly hosts: readonly HostAndPort[] } {
  const server = object.read(SERVER);
  const users = object.children("users").map((user) =>
    userFromObject(user, secrets)
  );
  return {
    origin: object.where(),
    hosts: server.server ?? [],
    port: server.server_port,
    method: methodAt(object.where("method"), server.method),
    secret: secrets.fromObject(object, server),
    users: users.length > 0 ? users : undefined,
    idleTimeoutMs: server.timeout,
    udp: udpFromObject(object),
    tag: server.remarks,
  };
}
