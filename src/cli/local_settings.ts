/**
 * What the command line and a configuration file say of the listening side of
 * `ss-local`.
 *
 * @module
 */
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
}

/** Reads a file. @throws {ConfigError} `ERR_CONFIG_FILE`. */
export type ReadText = (path: string) => string;

/** Keys of one local proxy, at the top or in `locals`. */
export const LOCAL_KEYS: readonly string[] = [
  ...["local_address", "local_port", "socks5_auth_config_path"],
  ...UDP_KEYS,
];

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
  };
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
    const protocol = object.text("protocol");
    if (protocol !== undefined && protocol !== "socks") {
      throw object.wrong(
        "protocol",
        '"socks", the only one this version serves',
      );
    }
    warnings.push(
      ...checkLegacyKeys(object),
      ...object.unknownKeys(
        new Set([...LOCAL_KEYS, "protocol", "disabled", ...LEGACY_KEYS]),
      ),
    );
    const { host, port, udp, users } = localFromObject(object, readText);
    locals.push({
      host,
      port,
      udp: mergeUdp(udp, top.udp),
      users: users ?? top.users,
    });
  }
  return { locals: locals.length > 0 ? locals : [top], warnings };
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
