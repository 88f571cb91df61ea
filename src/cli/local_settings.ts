/**
 * What the command line and a configuration file say of the listening side of
 * `ss-local`.
 *
 * @module
 */
import type { Address } from "../codec/address.ts";
import type { InboundProtocol } from "../service/inbound.ts";
import type { SocksUser } from "../service/socks5_inbound.ts";
import type { Arguments } from "./args.ts";
import { type ConfigObject, parseConfig } from "./config_file.ts";
import { checkLegacyKeys, LEGACY_KEYS } from "./legacy_keys.ts";
import { badOption, option } from "./option_value.ts";
import {
  mergeUdp,
  UDP_KEYS,
  udpFromObject,
  type UdpSettings,
} from "./udp_settings.ts";
import {
  HOST_EXPECTED,
  type HostAndPort,
  PORT_EXPECTED,
  readHostAndPort,
  readPort,
} from "./values.ts";

/** One place to listen, as far as it is told. */
export interface LocalSettings {
  /** Name or IP address. */
  readonly host?: string | undefined;
  /** 0 to 65,535. */
  readonly port?: number | undefined;
  /** Whether and how it serves UDP. */
  readonly udp?: UdpSettings | undefined;
  /** Who may connect; absent: everybody. */
  readonly users?: readonly SocksUser[] | undefined;
  /** What programs may speak. */
  readonly protocol?: InboundProtocol | undefined;
  /** Where a tunnel leads. */
  readonly tunnelTo?: Address | undefined;
}

/** Reads a file. @throws {ConfigError} `ERR_CONFIG_FILE`. */
export type ReadText = (path: string) => string;

/** Keys of one local proxy, at the top or in `locals`. */
export const LOCAL_KEYS: readonly string[] = [
  ...["local_address", "local_port", "socks5_auth_config_path"],
  "tunnel_address",
  ...UDP_KEYS,
];

/** Keys of one entry of `locals` only. */
const ENTRY_KEYS = ["protocol", "forward_address", "forward_port", "disabled"];

/** What a tunnel's target must be, for messages. */
export const TARGET_EXPECTED = "HOST:PORT, an IPv6 address in brackets";

/** What the command line says. */
export function localFromOptions(args: Arguments): LocalSettings {
  const address = option(args, "local-addr", readHostAndPort, HOST_EXPECTED);
  const port = option(
    args,
    "local-port",
    (text) => readPort(text, 0),
    PORT_EXPECTED,
  );
  const users = args.all("socks-user").map(readUser);
  return {
    host: address?.host,
    port: address?.port ?? port,
    users: users.length > 0 ? users : undefined,
    protocol: option(
      args,
      "protocol",
      readProtocol,
      "mixed, socks or http; a tunnel has a command of its own",
    ),
    tunnelTo: option(args, "tunnel-address", readTarget, TARGET_EXPECTED),
  };
}

function readProtocol(value: unknown): InboundProtocol | undefined {
  return value === "mixed" || value === "socks" || value === "http"
    ? value
    : undefined;
}

/** A target with its port, which is not 0. */
export function readTarget(value: unknown): Address | undefined {
  if (typeof value !== "string") return undefined;
  const { host, port } = readHostAndPort(value) ?? {};
  return host !== undefined && port ? { host, port } : undefined;
}

/**
 * What a configuration file says: libev's `local_address` and `local_port`,
 * then rust's `locals`.
 */
export function localsFromFile(
  file: ConfigObject,
  readText: ReadText,
): { locals: LocalSettings[]; warnings: string[] } {
  const top = localFromObject(file, readText);
  const locals: LocalSettings[] = [];
  const warnings: string[] = [];
  if (top.host !== undefined || top.port !== undefined) locals.push(top);
  for (const object of file.objects("locals")) {
    if (object.flag("disabled")) continue;
    const protocol = protocolFrom(object);
    warnings.push(
      ...checkLegacyKeys(object),
      ...object.unknownKeys(
        new Set([...LOCAL_KEYS, ...ENTRY_KEYS, ...LEGACY_KEYS]),
      ),
    );
    const { host, port, udp, users } = localFromObject(object, readText);
    locals.push({
      host,
      port,
      udp: mergeUdp(udp, top.udp),
      users: users ?? top.users,
      protocol,
    });
  }
  return { locals: locals.length > 0 ? locals : [top], warnings };
}

/** rust's `protocol`, and the target of its tunnels. */
function protocolFrom(object: ConfigObject): InboundProtocol | undefined {
  if (object.text("protocol") !== "tunnel") {
    return object.get(
      "protocol",
      readProtocol,
      '"mixed", "socks", "http" or "tunnel"',
    );
  }
  const host = object.text("forward_address");
  const port = object.get(
    "forward_port",
    (value) => readPort(value),
    PORT_EXPECTED,
  );
  if (host === undefined) throw object.wrong("forward_address", "a host");
  if (port === undefined) throw object.wrong("forward_port", PORT_EXPECTED);
  return { tunnelTo: { host, port } };
}

function localFromObject(
  object: ConfigObject,
  readText: ReadText,
): LocalSettings {
  const address: HostAndPort | undefined = object.get(
    "local_address",
    (value) => typeof value === "string" ? readHostAndPort(value) : undefined,
    HOST_EXPECTED,
  );
  const port = object.get(
    "local_port",
    (value) => readPort(value, 0),
    PORT_EXPECTED,
  );
  const path = object.text("socks5_auth_config_path");
  return {
    host: address?.host,
    port: address?.port ?? port,
    udp: udpFromObject(object),
    users: path === undefined
      ? undefined
      : usersFromFile(parseConfig(readText(path), path)),
    tunnelTo: object.get("tunnel_address", readTarget, TARGET_EXPECTED),
  };
}

/** rust's form: `{"password": {"users": [{"user_name", "password"}]}}`. */
function usersFromFile(file: ConfigObject): SocksUser[] {
  const users = (file.object("password")?.objects("users") ?? []).map(
    (user) => {
      const username = user.text("user_name");
      const password = user.text("password");
      if (!fits(username)) throw user.wrong("user_name", FIELD_EXPECTED);
      if (!fits(password)) throw user.wrong("password", FIELD_EXPECTED);
      return { username, password };
    },
  );
  // Without a user everybody could connect: surely not what was meant.
  if (users.length === 0) throw file.wrong("password", "users with passwords");
  return users;
}

/** Bounds of both fields: RFC 1929 §2. */
const FIELD_EXPECTED = "text of 1 to 255 bytes";

function fits(text: string | undefined): text is string {
  if (text === undefined) return false;
  const { length } = new TextEncoder().encode(text);
  return length >= 1 && length <= 255;
}

function readUser(text: string): SocksUser {
  const colon = text.indexOf(":");
  const username = text.slice(0, Math.max(0, colon));
  const password = text.slice(colon + 1);
  if (!fits(username) || !fits(password)) {
    throw badOption(
      "socks-user",
      "(hidden)",
      "NAME:PASSWORD, each of 1 to 255 bytes",
    );
  }
  return { username, password };
}
