/**
 * Keys of configuration files of shadowsocks-libev and -rust, and of SIP008,
 * that this version knows and does not serve.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import type { ConfigObject } from "./config_file.ts";
import { anything, type Keys } from "./config_keys.ts";

const NO_PLUGINS = "plugins are not served by this version";
const ONE_ROUTE = "the system chooses how packets leave; use its routing rules";
const NO_INTERFACE = "the runtimes cannot choose an interface; give its " +
  'address as "outbound_bind_addr"';
const ONE_ADDRESS = "one address holds for all, at the top of the file";
const NO_REDIRECT = "use a `mixed` local, or another program for redirection";
const NO_TUN = "use a `mixed` local, or another program for a TUN device";
const DNS_OPTIONS = "start with --dns-listen and --dns-upstream instead";

/** Keys that change who may connect, or how: running without would be wrong. */
const REFUSED: Readonly<Record<string, string>> = {
  "plugin": NO_PLUGINS,
  "acl": "one access list holds for all, at the top of the file",
  "user": "start Umbra as that user instead",
  "interface": NO_INTERFACE,
  "auth": "one-time authentication is broken; use an AEAD method without it",
  "tcp_tproxy": NO_REDIRECT,
  "tcp_redir": NO_REDIRECT,
  "udp_redir": NO_REDIRECT,
  "tun_interface_name": NO_TUN,
  "tun_interface_address": NO_TUN,
  "tun_interface_destination": NO_TUN,
  "tun_device_fd_from_path": NO_TUN,
  "fake_dns_ipv4_network": DNS_OPTIONS,
  "fake_dns_ipv6_network": DNS_OPTIONS,
  "fake_dns_database_path": DNS_OPTIONS,
  "local_dns_address": DNS_OPTIONS,
  "remote_dns_address": DNS_OPTIONS,
  "local_ipv4_address": ONE_ADDRESS,
  "local_ipv6_address": ONE_ADDRESS,
  "outbound_bind_addr": ONE_ADDRESS,
  "outbound_bind_interface": NO_INTERFACE,
  "outbound_fwmark": ONE_ROUTE,
  "outbound_user_cookie": ONE_ROUTE,
  "outbound_proxy": "connections to servers and targets are direct",
  "manager_address": 'Umbra is its own manager: use "manager": "HOST:PORT"',
};

/** Keys that only tune; a warning tells that they have no effect. */
const IGNORED: Readonly<Record<string, string>> = {
  "local_udp_address": "UDP is on the address of TCP",
  "local_udp_port": "UDP is on the port of TCP",
  "launchd_tcp_socket_name": "Umbra listens by itself",
  "launchd_udp_socket_name": "Umbra listens by itself",
  "fast_open": "the runtimes offer no TCP fast open",
  "mptcp": "the runtimes offer no multipath TCP",
  "dscp": "the runtimes cannot mark packets",
  "nofile": "set the limit with `ulimit -n` or LimitNOFILE instead",
  "tcp_incoming_sndbuf": "the system sizes its buffers",
  "tcp_incoming_rcvbuf": "the system sizes its buffers",
  "tcp_outgoing_sndbuf": "the system sizes its buffers",
  "tcp_outgoing_rcvbuf": "the system sizes its buffers",
  "ipv6_first": "the system's order of addresses is used",
  "ipv6_only": "a listener on :: takes IPv4 as well",
  "nameserver": "names are resolved as the system does",
  "dns": "names are resolved as the system does",
  "dns_cache_size": "names are resolved as the system does",
  "keep_alive": "the runtime's default is used",
  "outbound_udp_allow_fragmentation": "the system decides on fragments",
  "use_syslog": "the log goes to standard error",
  "log": "see log_format, log_privacy and -v",
  "security": "replays are met with silence, always",
  "runtime": "see --workers",
  "workdir": "nothing is written there",
  "balancer": "the first server that can be reached is used",
  "tcp_weight": "the first server that can be reached is used",
  "udp_weight": "the first server that can be reached is used",
};

/** Keys for people, without effect where the others are absent, or always so. */
const SILENT: readonly string[] = [
  ...["id", "version", "bytes_used", "bytes_remaining"],
  ...["plugin_opts", "plugin_args", "plugin_mode"],
  ...["local_dns_port", "remote_dns_port", "client_cache_size"],
  ...["fake_dns_record_expire_duration", "manager_port"],
  ...["mtu", "udp_mtu", "no_delay"],
];

/** All keys that {@link checkLegacyKeys} deals with. */
export const LEGACY_KEYS: Keys = Object.fromEntries([
  ...Object.entries(REFUSED).map(([key, why]) =>
    [key, anything(`Not supported: ${why}`)] as const
  ),
  ...Object.entries(IGNORED).map(([key, why]) =>
    [key, anything(`Ignored: ${why}`)] as const
  ),
  ...SILENT.map((key) => [key, anything("Without effect")] as const),
]);

/**
 * Deals with keys we do not serve.
 *
 * @param served Keys that are served where the object stands.
 * @returns A warning for each key that is ignored.
 * @throws {ConfigError} `ERR_CONFIG_VALUE` for one that must not be.
 */
export function checkLegacyKeys(
  object: ConfigObject,
  served: Keys = {},
): string[] {
  const asked = object.keys().filter((key) =>
    !Object.hasOwn(served, key) && !object.isEmpty(key)
  );
  for (const key of asked) {
    const refused = ownValue(REFUSED, key);
    if (refused === undefined) continue;
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      `${object.where(key)} is not supported (yet): ${refused}`,
    );
  }
  return asked.flatMap((key) => {
    const ignored = ownValue(IGNORED, key);
    return ignored === undefined
      ? []
      : [`ignored: ${object.where(key)}: ${ignored}`];
  });
}

/** The value of a key from outside, which may be `constructor`. */
function ownValue(
  table: Readonly<Record<string, string>>,
  key: string,
): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
