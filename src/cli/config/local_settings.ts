/**
 * What the command line and a configuration file say of the listening side of
 * `ss-local`.
 *
 * @module
 */
import * as v from "valibot";
import type { Address } from "../../codec/address.ts";
import type { InboundProtocol } from "../../service/inbound/inbound.ts";
import type { SocksUser } from "../../service/inbound/socks5.ts";
import type { Arguments } from "../options/args.ts";
import type { ConfigObject } from "./config_file.ts";
import {
  flag,
  host,
  type Keys,
  objects,
  port,
  quotedAlternatives,
  text,
  textAs,
} from "./config_keys.ts";
import { checkLegacyKeys, LEGACY_KEYS } from "./legacy_keys.ts";
import { option } from "../options/option_value.ts";
import type { Secrets } from "./secrets.ts";
import { socksUserFromOption, socksUsersFromFile } from "./socks_users.ts";
import {
  mergeUdp,
  UDP_KEYS,
  udpFromObject,
  type UdpSettings,
} from "./udp_settings.ts";
import {
  HOST_EXPECTED,
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

/** What a tunnel's target must be, for messages. */
export const TARGET_EXPECTED = "HOST:PORT, an IPv6 address in brackets";

const PROTOCOLS = ["mixed", "socks", "http", "tunnel"] as const;

const PROTOCOL_EXPECTED = quotedAlternatives(PROTOCOLS) +
  "; for DNS start with --dns-listen, others of shadowsocks-rust are not served";

const LOCAL = v.object({
  local_address: host("Where a local listens; 127.0.0.1 unless told"),
  local_port: port(0, "Its port, 1080 unless told; 0 lets the system choose"),
  protocol: v.optional(
    v.pipe(
      v.picklist(PROTOCOLS, PROTOCOL_EXPECTED),
      v.description("What programs may speak; mixed unless told"),
    ),
  ),
  forward_address: text("Host of a tunnel's target"),
  forward_port: port(1, "Port of a tunnel's target"),
  tunnel_address: textAs({
    about: "Target of `umbra tunnel`: HOST:PORT",
    expected: TARGET_EXPECTED,
    read: readTarget,
  }),
  socks5_auth_config_path: text(
    "File of users and passwords, as shadowsocks-rust has it for SOCKS5",
  ),
  http_auth_config_path: text(
    "File of users and passwords, as shadowsocks-rust has it for HTTP",
  ),
});

const ENTRY = v.object({ disabled: flag("Leave this local out") });

const TOP = v.object({ locals: objects("Several places to listen") });

/** Keys of one local, at the top of a file and in `locals`. */
export const LOCAL_KEYS: Keys = {
  ...LOCAL.entries,
  ...UDP_KEYS,
  ...LEGACY_KEYS,
};

/** What one of `locals` may have besides. */
export const LOCAL_ENTRY_KEYS: Keys = ENTRY.entries;

/** What the top of a file may have besides. */
export const LOCAL_TOP_KEYS: Keys = TOP.entries;

/** What the command line says. */
export function localFromOptions(args: Arguments): LocalSettings {
  const address = option(args, "local-addr", readHostAndPort, HOST_EXPECTED);
  const port = option(
    args,
    "local-port",
    (text) => readPort(text, 0),
    PORT_EXPECTED,
  );
  const users = args.all("socks-user").map(socksUserFromOption);
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
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function localsFromFile(
  file: ConfigObject,
  secrets: Secrets,
): { locals: LocalSettings[]; warnings: string[] } {
  file.read(TOP);
  const top = localFromObject(file, secrets);
  const locals: LocalSettings[] = [];
  const warnings: string[] = [];
  if (top.host !== undefined || top.port !== undefined) locals.push(top);
  for (const object of file.children("locals")) {
    if (object.read(ENTRY).disabled) continue;
    const local = localFromObject(object, secrets);
    warnings.push(
      ...checkLegacyKeys(object),
      ...object.unknownKeys({ ...LOCAL_KEYS, ...LOCAL_ENTRY_KEYS }),
    );
    locals.push({
      ...local,
      udp: mergeUdp(local.udp, top.udp),
      users: local.users ?? top.users,
    });
  }
  return { locals: locals.length > 0 ? locals : [top], warnings };
}

function localFromObject(
  object: ConfigObject,
  secrets: Secrets,
): LocalSettings {
  const local = object.read(LOCAL);
  const { socks5_auth_config_path: socks5, http_auth_config_path: http } =
    local;
  return {
    host: local.local_address?.host,
    port: local.local_address?.port ?? local.local_port,
    udp: udpFromObject(object),
    users: socks5 !== undefined
      ? socksUsersFromFile(socks5, "password", secrets)
      : http !== undefined
      ? socksUsersFromFile(http, "basic", secrets)
      : undefined,
    protocol: local.protocol === "tunnel"
      ? { tunnelTo: forwardTarget(object, local) }
      : local.protocol,
    tunnelTo: local.tunnel_address,
  };
}

/** The target of one of rust's tunnels. */
function forwardTarget(
  object: ConfigObject,
  { forward_address: host, forward_port: port }: v.InferOutput<typeof LOCAL>,
): Address {
  if (host === undefined) throw object.wrong("forward_address", "a host");
  if (port === undefined) throw object.wrong("forward_port", PORT_EXPECTED);
  return { host, port };
}
