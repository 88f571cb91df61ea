/**
 * Options and keys of shadowsocks-libev 3.3, shadowsocks-rust 1.24, the Python
 * original 2.8 and SIP008 that this version knows and does not serve, so that
 * a setting without effect is never believed in.
 *
 * @module
 */
import { EVERYWHERE, type Place } from "./setting.ts";

/** Something other programs have. */
export interface NotServed {
  /** In a file; each means the same. */
  readonly keys?: readonly string[];
  /** Where the keys may stand; default: everywhere. */
  readonly places?: readonly Place[];
  /** Long options; each means the same. */
  readonly flags?: readonly string[];
  /** One letter. */
  readonly short?: string;
  /** The commands that have the options; default: all that run something. */
  readonly commands?: readonly ("local" | "tunnel" | "server")[];
  /** What the value is called; absent for a switch. */
  readonly value?: string;
  /**
   * `refused` where it changes who may connect, or how: running without it
   * would be wrong. `ignored` with a warning where it only tunes. `silent`
   * where it says nothing by itself.
   */
  readonly standing: "refused" | "ignored" | "silent";
  /** Why, and what to do instead; without a full stop. */
  readonly why: string;
}

const LOCALS = ["local", "tunnel"] as const;
const LOCAL = ["local"] as const;
const SERVER = ["server"] as const;

const NO_PLUGINS = "plugins are not served by this version";
const NO_ACL = "access lists are not served by this version";
const NO_REDIRECT = "use a `mixed` local, or another program for redirection";
const NO_TUN = "use a `mixed` local, or another program for a TUN device";
const DNS_OPTIONS = "start with --dns-listen and --dns-upstream instead";
const ONE_ROUTE = "the system chooses how packets leave; use its routing rules";
const NO_INTERFACE = "the runtimes cannot choose an interface; give its " +
  'address with -i, or as "outbound_bind_addr"';
const ONE_ADDRESS = "one address holds for all, at the top of the file";
const FOREGROUND =
  "Umbra stays in the foreground; let the service manager detach it";
const OWN_MANAGER = "Umbra is its own manager: --manager HOST:PORT, or " +
  '"manager": "HOST:PORT", serves the protocol';
const NAMES = "names are resolved as the system does";
const BUFFERS = "the system sizes its buffers";
const ONE_UDP_ADDRESS = "UDP is on the address and port of TCP";
const LISTENS = "Umbra listens by itself";
const THREADS = "see --workers";
const FIRST_SERVER = "the first server that can be reached is used";
const LOG =
  "the log goes to standard error; see log_format, log_privacy and -v";

/** All of them. */
export const NOT_SERVED: readonly NotServed[] = [
  // Who runs, and how.
  row("refused", FOREGROUND, {
    keys: ["pid-file"],
    flags: ["pid-file"],
    short: "f",
    value: "FILE",
  }),
  // The letter is a resolver to ss-server of libev.
  row("refused", `${FOREGROUND}. Names are resolved as the system does`, {
    flags: ["daemonize"],
    short: "d",
  }),
  row("refused", FOREGROUND, { flags: ["daemonize-pid"], value: "FILE" }),
  row("refused", FOREGROUND, { keys: ["daemon"] }),
  row("refused", "start Umbra as that user instead", {
    keys: ["user"],
    flags: ["user"],
    short: "a",
    value: "USER",
  }),
  row("refused", "set the limit with `ulimit -n` or LimitNOFILE instead", {
    flags: ["nofile"],
    short: "n",
    value: "N",
  }),
  row("ignored", "set the limit with `ulimit -n` or LimitNOFILE instead", {
    keys: ["nofile"],
  }),
  row("ignored", THREADS, { flags: ["single-threaded"] }),
  row("ignored", THREADS, { flags: ["worker-threads"], value: "N" }),
  row("ignored", THREADS, { keys: ["runtime"] }),
  row("ignored", LOG, {
    keys: ["log-file"],
    flags: ["log-file"],
    value: "FILE",
  }),
  row("ignored", LOG, { flags: ["log-config"], value: "FILE" }),
  row("ignored", LOG, { flags: ["quiet"], short: "q" }),
  row("ignored", LOG, { keys: ["use_syslog", "log"] }),
  row("ignored", "replays are met with silence, always", {
    keys: ["security"],
  }),
  // Who may connect, and where to.
  row("refused", NO_PLUGINS, {
    keys: ["plugin"],
    flags: ["plugin"],
    value: "NAME",
  }),
  row("refused", NO_PLUGINS, { flags: ["plugin-opts"], value: "OPTIONS" }),
  row("refused", NO_PLUGINS, { flags: ["plugin-mode"], value: "MODE" }),
  row("silent", NO_PLUGINS, {
    keys: ["plugin_opts", "plugin_args", "plugin_mode"],
  }),
  row("refused", NO_PLUGINS, {
    flags: ["online-config-allowed-plugin"],
    value: "NAME",
    commands: LOCALS,
  }),
  row("refused", NO_ACL, { keys: ["acl"], flags: ["acl"], value: "FILE" }),
  row(
    "refused",
    "one-time authentication is broken; use an AEAD method " +
      "without it",
    { keys: ["auth"], short: "A", flags: ["auth"] },
  ),
  row(
    "refused",
    "public addresses alone are reached unless --allow-private opens more; " +
      "leave it out, and keep clients from others with a firewall",
    {
      keys: ["forbidden_ip"],
      flags: ["forbidden-ip"],
      value: "LIST",
      commands: SERVER,
    },
  ),
  row("refused", "connections to servers and targets are direct", {
    keys: ["outbound_proxy"],
    flags: ["outbound-proxy"],
    value: "URL",
    commands: SERVER,
  }),
  row("refused", "a firewall counts addresses of its own; leave it out", {
    flags: ["nftables-sets"],
    value: "SETS",
    commands: SERVER,
  }),
  // The manager.
  row("refused", OWN_MANAGER, {
    keys: ["manager_address"],
    flags: ["manager-address", "manager-addr"],
    value: "ADDRESS",
    commands: SERVER,
  }),
  row("silent", OWN_MANAGER, { keys: ["manager_port"] }),
  row("ignored", OWN_MANAGER, {
    flags: ["executable"],
    value: "FILE",
    commands: SERVER,
  }),
  row("ignored", "nothing is written there", {
    keys: ["workdir"],
    flags: ["workdir", "manager-server-working-directory"],
    short: "D",
    value: "DIR",
    commands: SERVER,
  }),
  row("ignored", OWN_MANAGER, {
    flags: ["manager-server-mode"],
    value: "MODE",
    commands: SERVER,
  }),
  // Other inbounds.
  row("refused", NO_REDIRECT, {
    keys: ["tcp_tproxy"],
    short: "T",
    flags: ["tcp-tproxy"],
    commands: LOCALS,
  }),
  row("refused", NO_REDIRECT, {
    keys: ["tcp_redir"],
    flags: ["tcp-redir"],
    value: "TYPE",
    commands: LOCALS,
  }),
  row("refused", NO_REDIRECT, {
    keys: ["udp_redir"],
    flags: ["udp-redir"],
    value: "TYPE",
    commands: LOCALS,
  }),
  row("refused", NO_TUN, {
    keys: ["tun_interface_name"],
    flags: ["tun-interface-name"],
    value: "NAME",
    commands: LOCALS,
  }),
  row("refused", NO_TUN, {
    keys: ["tun_interface_address", "tun_interface_destination"],
    flags: ["tun-interface-address", "tun-interface-destination"],
    value: "CIDR",
    commands: LOCALS,
  }),
  row("refused", NO_TUN, {
    keys: ["tun_device_fd_from_path"],
    flags: ["tun-device-fd-from-path"],
    value: "FILE",
    commands: LOCALS,
  }),
  row("refused", NO_TUN, { flags: ["vpn"], commands: LOCALS }),
  row("refused", DNS_OPTIONS, {
    keys: ["local_dns_address", "remote_dns_address"],
    flags: ["local-dns-addr", "remote-dns-addr", "dns-addr"],
    value: "ADDRESS",
    commands: LOCALS,
  }),
  row("silent", DNS_OPTIONS, {
    keys: ["local_dns_port", "remote_dns_port", "client_cache_size"],
  }),
  row("refused", DNS_OPTIONS, {
    keys: [
      "fake_dns_ipv4_network",
      "fake_dns_ipv6_network",
      "fake_dns_database_path",
    ],
    flags: [
      "fake-dns-ipv4-network",
      "fake-dns-ipv6-network",
      "fake-dns-database-path",
    ],
    value: "VALUE",
    commands: LOCALS,
  }),
  row("ignored", DNS_OPTIONS, {
    flags: ["fake-dns-record-expire-duration"],
    value: "SECONDS",
    commands: LOCALS,
  }),
  row("silent", DNS_OPTIONS, { keys: ["fake_dns_record_expire_duration"] }),
  row("refused", "a tunnel is `umbra tunnel -L HOST:PORT`", {
    flags: ["forward-addr"],
    value: "ADDRESS",
    commands: LOCAL,
  }),
  row("refused", "give the ss:// URI by itself, without the option", {
    flags: ["server-url"],
    value: "URI",
    commands: LOCALS,
  }),
  row("refused", "give the https:// address by itself, without the option", {
    flags: ["online-config-url"],
    value: "URL",
    commands: LOCALS,
  }),
  row("ignored", ONE_UDP_ADDRESS, {
    flags: ["udp-bind-addr", "udp-associate-addr"],
    value: "ADDRESS",
    commands: LOCALS,
  }),
  row("ignored", ONE_UDP_ADDRESS, {
    keys: ["local_udp_address", "local_udp_port"],
  }),
  row("ignored", LISTENS, {
    keys: ["launchd_tcp_socket_name", "launchd_udp_socket_name"],
    flags: ["launchd-tcp-socket-name", "launchd-udp-socket-name"],
    value: "NAME",
    commands: LOCALS,
  }),
  row("ignored", "see --admin", {
    flags: ["stat-path", "stat-addr"],
    value: "ADDRESS",
    commands: LOCALS,
  }),
  row("ignored", "it is the port of ss-local", {
    flags: ["local-port"],
    short: "l",
    value: "PORT",
    commands: SERVER,
  }),
  // Sockets.
  row("refused", NO_INTERFACE, {
    keys: ["outbound_bind_interface", "interface"],
    flags: ["outbound-bind-interface"],
    value: "NAME",
  }),
  row("refused", ONE_ADDRESS, {
    keys: ["outbound_bind_addr", "local_ipv4_address", "local_ipv6_address"],
    places: ["server", "local"],
  }),
  row("refused", ONE_ROUTE, {
    keys: ["outbound_fwmark", "outbound_user_cookie"],
    flags: ["outbound-fwmark", "outbound-user-cookie"],
    value: "N",
  }),
  row("ignored", "the runtimes cannot mark packets", { keys: ["dscp"] }),
  row("ignored", "the runtimes offer no TCP fast open", {
    keys: ["fast_open"],
    flags: ["fast-open", "tcp-fast-open"],
  }),
  row("ignored", "the runtimes offer no multipath TCP", {
    keys: ["mptcp"],
    flags: ["mptcp", "tcp-multipath"],
  }),
  row("ignored", "it is always on", { flags: ["no-delay", "tcp-no-delay"] }),
  row("silent", "it is always on", { keys: ["no_delay"] }),
  row("ignored", "datagrams of every size are relayed", {
    flags: ["mtu"],
    value: "BYTES",
  }),
  row("silent", "datagrams of every size are relayed", {
    keys: ["mtu", "udp_mtu"],
  }),
  row("ignored", "the runtime's default is used", {
    keys: ["keep_alive"],
    flags: ["tcp-keep-alive"],
    value: "SECONDS",
  }),
  row("ignored", "the system decides on fragments", {
    keys: ["outbound_udp_allow_fragmentation"],
  }),
  row("ignored", BUFFERS, {
    keys: [
      "tcp_incoming_sndbuf",
      "tcp_incoming_rcvbuf",
      "tcp_outgoing_sndbuf",
      "tcp_outgoing_rcvbuf",
    ],
    flags: [
      "inbound-send-buffer-size",
      "inbound-recv-buffer-size",
      "outbound-send-buffer-size",
      "outbound-recv-buffer-size",
      "tcp-incoming-sndbuf",
      "tcp-incoming-rcvbuf",
      "tcp-outgoing-sndbuf",
      "tcp-outgoing-rcvbuf",
    ],
    value: "BYTES",
  }),
  row("ignored", FIRST_SERVER, {
    keys: ["balancer", "tcp_weight", "udp_weight"],
  }),
  // Names.
  row("refused", NAMES, { flags: ["dns"], value: "ADDRESS" }),
  row("ignored", NAMES, { keys: ["nameserver", "dns"] }),
  row("ignored", NAMES, {
    keys: ["dns_cache_size"],
    flags: ["dns-cache-size"],
    value: "N",
  }),
  row("ignored", "the system's order of addresses is used", {
    keys: ["ipv6_first"],
    flags: ["ipv6-first"],
    short: "6",
  }),
  row("ignored", "a listener on :: takes IPv4 as well", {
    keys: ["ipv6_only"],
  }),
  // For people, and of published lists.
  row("silent", "it is for people", {
    keys: ["id", "version", "bytes_used", "bytes_remaining"],
  }),
];

/** What other programs have for keys in such an object, by key. */
export function notServedKeys(place: Place): ReadonlyMap<string, NotServed> {
  return new Map(
    NOT_SERVED.filter(({ places = EVERYWHERE }) => places.includes(place))
      .flatMap((row) => (row.keys ?? []).map((key) => [key, row] as const)),
  );
}

function row(
  standing: NotServed["standing"],
  why: string,
  names: Omit<NotServed, "standing" | "why">,
): NotServed {
  return { standing, why, ...names };
}
