/**
 * Options and keys of shadowsocks-libev 3.3, shadowsocks-rust 1.24, the Python
 * original 2.8 and SIP008 that Umbra recognizes and does not support. They are
 * listed so that the operator learns that a setting has no effect.
 *
 * @module
 */
import { EVERYWHERE, forEachPlace, type Place, type Role } from "./setting.ts";

/** An unsupported setting of another program. */
export interface NotServed {
  /** Equivalent keys in a file. */
  readonly keys: readonly string[];
  /** The objects in which the keys may be. */
  readonly places: readonly Place[];
  /** Equivalent long options. */
  readonly flags: readonly string[];
  /** One letter. */
  readonly short: string | undefined;
  /** The name of the options' value; not set for switches. */
  readonly value: string | undefined;
  /** The commands that know the options. */
  readonly commands: readonly Role[];
  /**
   * `refused` if the setting decides who may connect, or how: running without
   * it would be wrong. `ignored`, with a warning, if it only tunes. `silent` if
   * it has no effect by itself.
   */
  readonly standing: "refused" | "ignored" | "silent";
  /** The reason, and what to do instead; without a full stop. */
  readonly why: string;
}

const ALL: readonly Role[] = ["local", "tunnel", "server"];
const LOCALS: readonly Role[] = ["local", "tunnel"];
const LOCAL: readonly Role[] = ["local"];
const SERVER: readonly Role[] = ["server"];

const NO_REDIRECT = "start `umbra redir` instead, with -T or --tcp-redir, " +
  "and leave it out";
const NO_TUN = "use a `mixed` local, or another program with a TUN device";
const DNS_OPTIONS = "start with --dns-listen and --dns-upstream instead";
const ONE_ROUTE =
  "the system chooses the route of packets; use its routing rules";
const ONE_ADDRESS = "set the source address once, at the top of the file";
const ONE_FOR_ALL = "set the value once, at the top of the file";
const FOREGROUND =
  "Umbra stays in the foreground; let the service manager detach it";
const OWN_MANAGER = "Umbra is its own manager: --manager HOST:PORT, or " +
  '"manager": "HOST:PORT", serves the protocol';
const NAMES = "names are resolved by the system";
const ONE_UDP_ADDRESS = "UDP is on the address and port of TCP";
const LISTENS = "Umbra opens its own listening sockets";
const THREADS = "see --workers";
const LOG =
  "the log goes to standard error; see log_format, log_privacy and -v";

const refused = rowsThatAre("refused");
const ignored = rowsThatAre("ignored");
const silent = rowsThatAre("silent");

/**
 * All unsupported settings. In the text, a name is a key, `-x` a letter, `--x`
 * an option, and `=X` the name of the option's value.
 */
export const NOT_SERVED: readonly NotServed[] = [
  // The user and the form in which the program runs.
  refused(FOREGROUND, "-f --pid-file =FILE"),
  ignored(FOREGROUND, "pid-file"),
  // For ss-server of libev the letter names a resolver.
  refused(
    `${FOREGROUND}. Names are resolved by the system`,
    "-d --daemonize",
  ),
  refused(FOREGROUND, "--daemonize-pid =FILE"),
  refused(FOREGROUND, "daemon"),
  refused("start Umbra as that user instead", "user -a --user =USER"),
  refused(
    "set the limit with `ulimit -n` or LimitNOFILE instead",
    "-n --nofile =N",
  ),
  ignored("set the limit with `ulimit -n` or LimitNOFILE instead", "nofile"),
  ignored(THREADS, "--single-threaded"),
  ignored(THREADS, "--worker-threads =N"),
  ignored(THREADS, "runtime"),
  ignored(LOG, "log-file --log-file =FILE"),
  ignored(LOG, "--log-config =FILE"),
  ignored(LOG, "-q --quiet"),
  ignored(LOG, "use_syslog log"),
  ignored("replays never get an answer", "security"),
  // Clients and targets that are allowed.
  refused("a tunnel has one target; leave it out", "--acl =FILE", ["tunnel"]),
  refused(
    "one-time authentication is broken; use an AEAD method without it",
    "auth -A --auth",
  ),
  refused(
    "connections to servers and targets are direct",
    "outbound_proxy --outbound-proxy =URL",
    SERVER,
  ),
  refused(
    "a firewall can count addresses itself; leave it out",
    "--nftables-sets =SETS",
    SERVER,
  ),
  // The manager.
  refused(
    OWN_MANAGER,
    "manager_address --manager-address --manager-addr =ADDRESS",
    SERVER,
  ),
  silent(OWN_MANAGER, "manager_port"),
  ignored(OWN_MANAGER, "--executable =FILE", SERVER),
  ignored(
    "Umbra writes no files there",
    "workdir -D --workdir --manager-server-working-directory =DIR",
    SERVER,
  ),
  ignored(OWN_MANAGER, "--manager-server-mode =MODE", SERVER),
  // Other inbounds.
  refused(NO_REDIRECT, "-T --tcp-tproxy", LOCALS),
  refused(NO_REDIRECT, "--tcp-redir =TYPE", LOCALS),
  refused(NO_REDIRECT, "--udp-redir =TYPE", LOCALS),
  refused(NO_TUN, "tun_interface_name --tun-interface-name =NAME", LOCALS),
  refused(
    NO_TUN,
    "tun_interface_address tun_interface_destination " +
      "--tun-interface-address --tun-interface-destination =CIDR",
    LOCALS,
  ),
  refused(
    NO_TUN,
    "tun_device_fd_from_path --tun-device-fd-from-path =FILE",
    LOCALS,
  ),
  refused(NO_TUN, "--vpn", LOCALS),
  refused(
    DNS_OPTIONS,
    "--local-dns-addr --remote-dns-addr --dns-addr =ADDRESS",
    LOCALS,
  ),
  silent("1,024 answers are cached", "client_cache_size"),
  {
    ...refused(
      "one DNS inbound is for all locals; set it at the top of the file",
      "fake_dns_ipv4_network fake_dns_ipv6_network fake_dns_database_path",
    ),
    places: ["server", "local"],
  },
  refused(
    "start with --fake-ip, and give its ranges in the file",
    "--fake-dns-ipv4-network --fake-dns-ipv6-network " +
      "--fake-dns-database-path =VALUE",
    LOCALS,
  ),
  ignored(DNS_OPTIONS, "--fake-dns-record-expire-duration =SECONDS", LOCALS),
  silent(DNS_OPTIONS, "fake_dns_record_expire_duration"),
  refused(
    "a tunnel is `umbra tunnel -L HOST:PORT`",
    "--forward-addr =ADDRESS",
    LOCAL,
  ),
  refused(
    "give the ss:// URI by itself, without the option",
    "--server-url =URI",
    LOCALS,
  ),
  refused(
    "give the https:// address by itself, without the option",
    "--online-config-url =URL",
    LOCALS,
  ),
  ignored(
    ONE_UDP_ADDRESS,
    "--udp-bind-addr --udp-associate-addr =ADDRESS",
    LOCALS,
  ),
  ignored(ONE_UDP_ADDRESS, "local_udp_address local_udp_port"),
  ignored(
    LISTENS,
    "launchd_tcp_socket_name launchd_udp_socket_name " +
      "--launchd-tcp-socket-name --launchd-udp-socket-name =NAME",
    LOCALS,
  ),
  ignored("see --admin", "--stat-path --stat-addr =ADDRESS", LOCALS),
  ignored(
    "the option is the port of ss-local",
    "-l --local-port =PORT",
    SERVER,
  ),
  // Sockets.
  {
    ...refused(
      ONE_ADDRESS,
      "outbound_bind_addr local_ipv4_address local_ipv6_address " +
        "outbound_bind_interface interface outbound_fwmark",
    ),
    places: ["server", "local"],
  },
  refused(
    ONE_ROUTE,
    "outbound_user_cookie --outbound-user-cookie =N",
  ),
  ignored("all packets have one class: outbound_dscp", "dscp"),
  {
    ...ignored(
      ONE_FOR_ALL,
      "fast_open mptcp keep_alive ipv6_first tcp_incoming_sndbuf " +
        "tcp_incoming_rcvbuf tcp_outgoing_sndbuf tcp_outgoing_rcvbuf",
    ),
    places: ["server", "local"],
  },
  ignored("always on", "--no-delay --tcp-no-delay"),
  silent("always on", "no_delay"),
  ignored("datagrams of every size are relayed", "--mtu =BYTES"),
  silent("datagrams of every size are relayed", "mtu udp_mtu"),
  ignored(
    "the system decides about fragments",
    "outbound_udp_allow_fragmentation",
  ),
  // Names.
  refused(NAMES, "--dns =ADDRESS"),
  ignored(NAMES, "nameserver dns"),
  ignored(NAMES, "dns_cache_size --dns-cache-size =N"),
  ignored("a listener on :: takes IPv4 as well", "ipv6_only"),
  // Additional settings of ShadowsocksR.
  ignored(
    'source addresses are "outbound_bind_addr", at the top',
    "out_bind out_bindv6 ignore_bind",
  ),
  ignored(NAMES, "dns_ipv6"),
  silent("Umbra has no such cache", "udp_cache"),
  silent("see --log-connections", "connect_verbose_info"),
  ignored('the key is "local_address" in Umbra', "local"),
  // Information for people, and keys of published lists.
  silent("information for people", "id version bytes_used bytes_remaining"),
];

/** Returns the unsupported keys of an object, by key. */
export const notServedKeys: (
  place: Place,
) => ReadonlyMap<string, NotServed> = forEachPlace((place) =>
  new Map(
    NOT_SERVED.filter(({ places }) => places.includes(place))
      .flatMap((row) => row.keys.map((key) => [key, row] as const)),
  )
);

/** Makes the rows of one standing. */
function rowsThatAre(
  standing: NotServed["standing"],
): (why: string, names: string, commands?: readonly Role[]) => NotServed {
  return (why, names, commands = ALL) => {
    const words = names.split(" ");
    const after = (prefix: RegExp): string[] =>
      words.filter((word) => prefix.test(word))
        .map((word) => word.replace(prefix, ""));
    return {
      ...{ standing, why, commands, places: EVERYWHERE },
      keys: after(/^(?=\w)/),
      flags: after(/^--/),
      short: after(/^-(?!-)/)[0],
      value: after(/^=/)[0],
    };
  };
}
