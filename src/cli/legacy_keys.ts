/**
 * Keys of configuration files of shadowsocks-libev and -rust that this
 * version knows and does not serve.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import type { ConfigObject } from "./config_file.ts";

/** Keys that change who may connect, or how: running without would be wrong. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ["plugin", "plugins are not served by this version"],
  ["acl", "access lists are not served by this version"],
  ["port_password", 'use "servers", one entry for each port'],
  ["user", "start Umbra as that user instead"],
  ["interface", "the system chooses the interface"],
  [
    "outbound_bind_addr",
    "the system chooses the address of outgoing connections",
  ],
  ["outbound_bind_interface", "the system chooses the interface"],
  ["outbound_fwmark", "marking packets is not served by this version"],
  ["manager_address", 'Umbra is its own manager: use "manager"'],
  ["online_config", "online configuration is not served by this version"],
]);

/** Keys that only tune; a warning tells that they have no effect. */
const IGNORED: ReadonlyMap<string, string> = new Map([
  ["fast_open", "the runtimes offer no TCP fast open"],
  ["mptcp", "the runtimes offer no multipath TCP"],
  ["nofile", "set the limit with `ulimit -n` or LimitNOFILE instead"],
  ["ipv6_first", "the system's order of addresses is used"],
  ["ipv6_only", "a listener on :: takes IPv4 as well"],
  ["nameserver", "names are resolved as the system does"],
  ["dns", "names are resolved as the system does"],
  ["keep_alive", "the runtime's default is used"],
  ["use_syslog", "the log goes to standard error"],
  ["log", "see --log-format and -v"],
  ["balancer", "the first server that can be reached is used"],
  ["tcp_weight", "the first server that can be reached is used"],
]);

/** Keys without meaning for TCP, for people, or already true. */
const SILENT: readonly string[] = [
  "id",
  "remarks",
  "version",
  "mtu",
  "no_delay",
  "plugin_opts",
  "plugin_args",
  "plugin_mode",
  "udp_mtu",
  "udp_weight",
  "local_udp_address",
  "local_udp_port",
  "launchd_tcp_socket_name",
  "runtime",
  "security",
];

/** All keys that {@link checkLegacyKeys} deals with. */
export const LEGACY_KEYS: readonly string[] = [
  ...REFUSED.keys(),
  ...IGNORED.keys(),
  ...SILENT,
];

/**
 * Deals with keys we do not serve.
 *
 * @returns A warning for each key that is ignored.
 * @throws {ConfigError} `ERR_CONFIG_VALUE` for one that must not be.
 */
export function checkLegacyKeys(object: ConfigObject): string[] {
  const warnings: string[] = [];
  for (const key of object.keys()) {
    const refused = REFUSED.get(key);
    const ignored = IGNORED.get(key);
    if (refused !== undefined && !isEmpty(object, key)) {
      throw new ConfigError(
        "ERR_CONFIG_VALUE",
        `${object.where(key)} is not supported (yet): ${refused}`,
      );
    }
    if (ignored !== undefined && !isEmpty(object, key)) {
      warnings.push(`ignored: ${object.where(key)}: ${ignored}`);
    }
  }
  return warnings;
}

/** Whether a key asks for nothing: `""`, `false`, an empty list. */
function isEmpty(object: ConfigObject, key: string): boolean {
  return object.get(
    key,
    (value) =>
      value === "" || value === false ||
      Array.isArray(value) && value.length === 0,
    "any value",
  )!;
}
