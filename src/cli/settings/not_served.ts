/**
 * Options and keys of shadowsocks-libev 3.3, shadowsocks-rust 1.24, the Python
 * original 2.8 and SIP008 that this version knows and does not serve, so that
 * a setting without effect is never believed in.
 *
 * @module
 */
import { EVERYWHERE, forEachPlace, type Place, type Role } from "./setting.ts";

/** Something other programs have. */
export interface NotServed {
  /** Keys in a file; each means the same. */
  readonly keys: readonly string[];
  /** The places of the keys. */
  readonly places: readonly Place[];
  /** Long options; each means the same. */
  readonly flags: readonly string[];
  /** One letter. */
  readonly short: string | undefined;
  /** The name of the options' value; not set for switches. */
  readonly value: string | undefined;
  /** The commands that know the options. */
  readonly commands: readonly Role[];
  /**
   * `refused` where it changes who may connect, or how: running without it
   * would be wrong. `ignored` with a warning where it only tunes. `silent`
   * where it says nothing by itself.
   */
  readonly standing: "refused" | "ignored" | "silent";
  /** Why, and what to do instead; without a full stop. */
  readonly why: string;
}

const ALL: readonly Role[] = ["local", "tunnel", "server"];
const LOCALS: readonly Role[] = ["local", "tunnel"];
const LOCAL: readonly Role[] = ["local"];
const SERVER: readonly Role[] = ["server"];

const NO_REDIRECT = "start `umbra redir` instead, with -T or --tcp-redir, " +
  "and leave it out";
const NO_TUN = "use a `mixed` local, or another program for a TUN device";
const DNS_OPTIONS = "start with --dns-listen and --dns-upstream instead";
const ONE_ROUTE = "the system chooses how packets leave; use its routing rules";
const ONE_ADDRESS = "one way out holds for all, at the top of the file";
const ONE_FOR_ALL = "one value holds for all, at the top of the file";
const FOREGROUND =
  "Umbra stays in the foreground; let the service manager detach it";
const OWN_MANAGER = "Umbra is its own manager: --manager HOST:PORT, or " +
  '"manager": "HOST:PORT", serves the protocol';
const NAMES = "names are resolved as the system does";
const ONE_UDP_ADDRESS = "UDP is on the address and port of TCP";
const LISTENS = "Umbra listens by itself";
const THREADS = "see --workers";
const LOG =
  "the log goes to standard error; see log_format, log_privacy and -v";

/**
 * All of them. A name is a key, `-x` a letter, `--x` an option, and `=X` what
 * the value of the options is called.
 */
export const NOT_SERVED: readonly NotServed[] = [
  // Who runs, and how.
  refused(FOREGROUND, "-f --pid-file =FILE"),
  ignored(FOREGROUND, "pid-file"),
  // The letter is a resolver to ss-server of libev.
  refused(
    `${FOREGROUND}. Names are resolved as the system does`,
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
  ignored("replays are met with silence, always", "security"),
  // Who may connect, and where to.
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
    "a firewall counts addresses of its own; leave it out",
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
    "nothing is written there",
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
  silent("1,024 answers are kept", "client_cache_size"),
  {
    ...refused(
      "one DNS answers for all locals; give it at the top of the file",
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
  ignored("it is the port of ss-local", "-l --local-port =PORT", SERVER),
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
  ignored("one class holds for all packets: outbound_dscp", "dscp"),
  {
    ...ignored(
      ONE_FOR_ALL,
      "fast_open mptcp keep_alive ipv6_first tcp_incoming_sndbuf " +
        "tcp_incoming_rcvbuf tcp_outgoing_sndbuf tcp_outgoing_rcvbuf",
    ),
    places: ["server", "local"],
  },
  ignored("it is always on", "--no-delay --tcp-no-delay"),
  silent("it is always on", "no_delay"),
  ignored("datagrams of every size are relayed", "--mtu =BYTES"),
  silent("datagrams of every size are relayed", "mtu udp_mtu"),
  ignored(
    "the system decides on fragments",
    "outbound_udp_allow_fragmentation",
  ),
  // Names.
  refused(NAMES, "--dns =ADDRESS"),
  ignored(NAMES, "nameserver dns"),
  ignored(NAMES, "dns_cache_size --dns-cache-size =N"),
  ignored("a listener on :: takes IPv4 as well", "ipv6_only"),
  // What ShadowsocksR has besides.
  ignored(
    'addresses to send from are "outbound_bind_addr", at the top',
    "out_bind out_bindv6 ignore_bind",
  ),
  ignored(NAMES, "dns_ipv6"),
  silent("there is no such cache", "udp_cache"),
  silent("see --log-connections", "connect_verbose_info"),
  ignored('it is "local_address" here', "local"),
  // For people, and of published lists.
  silent("it is for people", "id version bytes_used bytes_remaining"),
];

/** The keys of other programs in such an object, by key. */
export const notServedKeys: (
  place: Place,
) => ReadonlyMap<string, NotServed> = forEachPlace((place) =>
  new Map(
    NOT_SERVED.filter(({ places }) => places.includes(place))
      .flatMap((row) => row.keys.map((key) => [key, row] as const)),
  )
);

function refused(
  why: string,
  names: string,
  commands?: readonly Role[],
): NotServed {
  return row("refused", why, names, commands);
}

function ignored(
  why: string,
  names: string,
  commands?: readonly Role[],
): NotServed {
  return row("ignored", why, names, commands);
}

function silent(why: string, names: string): NotServed {
  return row("silent", why, names);
}

function row(
  standing: NotServed["standing"],
  why: string,
  names: string,
  commands = ALL,
): NotServed {
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
}
