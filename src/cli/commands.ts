/**
 * Every command and every option, once. Parsing, `--help`, suggestions and
 * whatever is generated later read this table.
 *
 * @module
 */
import { METHODS } from "../crypto/method.ts";
import {
  GRACE_MS,
  IDLE_TIMEOUT_MS,
  MAX_CONNECTIONS,
  MAX_UDP_FLOWS,
  ONLINE_REFRESH_MS,
  UDP_TIMEOUT_MS,
} from "../limits.ts";
import { CHECK_SERVER_OPTIONS, DOCTOR_OPTIONS } from "./probe_options.ts";
import { LEGACY_OPTIONS } from "./legacy_options.ts";
import { OPERATOR_OPTIONS } from "./operator_settings.ts";
import type { Command, Option } from "./option.ts";
import { TOP_OPTIONS } from "./top.ts";

/** The method of shadowsocks-libev 3.3 when none is named. */
export const DEFAULT_METHOD = "chacha20-ietf-poly1305";

/** What `umbra init` suggests: users by name, replays refused, fast with AES. */
export const INIT_METHOD = "2022-blake3-aes-256-gcm";

/** Whom `umbra init` suggests. */
export const INIT_USER = "me";

/** Where `ss-local` listens unless told: libev's address, the usual port. */
export const DEFAULT_LOCAL = { host: "127.0.0.1", port: 1080 };

/** Whom the DNS inbound asks unless told. */
export const DEFAULT_RESOLVER = { host: "1.1.1.1", port: 53 };

/** Where `ss-server` listens unless told, as libev does. */
export const DEFAULT_SERVER_HOST = "0.0.0.0";

const COMMON: readonly Option[] = [
  {
    name: "verbose",
    short: "v",
    help: "Say more: log each connection, show the stack of a defect",
  },
  { name: "help", short: "h", help: "Print this help" },
  { name: "version", short: "V", help: "Print version, build and runtime" },
];

const CONFIG: Option = {
  name: "config",
  short: "c",
  value: "FILE",
  help: "Read this JSON configuration (shadowsocks-libev or -rust); " +
    "an option given here beats the file",
};

const SECRET: readonly Option[] = [
  {
    name: "password",
    short: "k",
    value: "PASSWORD",
    help: "Password; visible in the process list, prefer a file or " +
      "UMBRA_PASSWORD in the environment",
  },
  {
    name: "password-file",
    value: "FILE",
    help: "File with the password in its one line",
  },
  {
    name: "key",
    value: "BASE64",
    help: "The key itself instead of a password",
  },
  {
    name: "encrypt-method",
    short: "m",
    aliases: ["method"],
    value: "METHOD",
    help: `Method: ${METHODS.map((method) => method.name).join(", ")}`,
    default: DEFAULT_METHOD,
  },
];

/** How providers are named on the command line. */
export const CRYPTO_CHOICES: readonly string[] = [
  "auto",
  "noble",
  "node",
  "openssl",
];

const RUNNING: readonly Option[] = [
  {
    name: "timeout",
    short: "t",
    value: "SECONDS",
    help: "Close a connection on which nothing moves for this long",
    default: String(IDLE_TIMEOUT_MS / 1_000),
  },
  {
    name: "max-connections",
    value: "N",
    help: "Connections open at once; fewer where the system's limit is lower",
    default: String(MAX_CONNECTIONS),
  },
  {
    name: "workers",
    value: "N",
    help: "Threads that share the port, `auto` for one a core; Linux only",
    default: "1",
  },
  {
    name: "crypto",
    value: "PROVIDER",
    help: "Who computes the cipher: auto (the fastest that is right), noble, " +
      "node or openssl",
    default: "auto",
  },
  {
    name: "grace",
    value: "SECONDS",
    help: "Time open connections get to finish after SIGINT or SIGTERM",
    default: String(GRACE_MS / 1_000),
  },
];

/** Where to send. */
const SERVERS: readonly Option[] = [
  {
    name: "server-addr",
    short: "s",
    value: "HOST[:PORT]",
    repeatable: true,
    help: "The server; repeat it to name several",
  },
  {
    name: "server-port",
    short: "p",
    value: "PORT",
    help: "Port of the servers that are named without one",
  },
];

/** What may stand for servers on the command line of a local. */
const SERVER_OPERANDS = "[ss://URI... | https://LIST]";

/** Where to send, and where to listen. */
const LOCAL_ENDS: readonly Option[] = [
  ...SERVERS,
  ...SECRET,
  CONFIG,
  {
    name: "refresh",
    value: "SECONDS",
    help: "Look again this often at a published list of servers",
    default: String(ONLINE_REFRESH_MS / 1_000),
  },
  {
    name: "cache",
    value: "FILE",
    help: "Keep the last good list here, for when its host is silent",
    default: "in ~/.cache/umbra",
  },
  {
    name: "local-addr",
    short: "b",
    value: "HOST[:PORT]",
    help: "Address to listen on",
    default: DEFAULT_LOCAL.host,
  },
  {
    name: "local-port",
    short: "l",
    value: "PORT",
    help: "Port to listen on; 0 lets the system choose",
    default: String(DEFAULT_LOCAL.port),
  },
];

const UDP: readonly Option[] = [
  { name: "udp", short: "u", help: "Relay UDP as well as TCP" },
  { name: "udp-only", short: "U", help: "Relay UDP, and no TCP" },
  {
    name: "udp-timeout",
    value: "SECONDS",
    help: "Forget a UDP client from which and to which nothing came this long",
    default: String(UDP_TIMEOUT_MS / 1_000),
  },
  {
    name: "udp-max-associations",
    value: "N",
    help: "UDP clients at once; the quietest makes room for a new one",
    default: String(MAX_UDP_FLOWS),
  },
];

/** What all that goes out leaves from. */
const OUTBOUND: Option = {
  name: "outbound-bind-addr",
  short: "i",
  value: "ADDRESS",
  repeatable: true,
  help: "Send from this address of the host, one of each family at most; " +
    "TCP on Bun only",
  default: "the system's choice",
};

const LOCAL: Command = {
  name: "local",
  executable: "ss-local",
  operands: SERVER_OPERANDS,
  maxOperands: Infinity,
  summary: "Run ss-local: a SOCKS and HTTP proxy that sends through a server",
  description: [
    "Runs ss-local: a proxy for the programs on this machine, which sends " +
    "everything through a Shadowsocks server. One port takes SOCKS4, SOCKS4a, " +
    "SOCKS5 and HTTP. TCP, and with -u UDP.",
  ],
  options: [
    ...LOCAL_ENDS,
    {
      name: "protocol",
      value: "PROTOCOL",
      help: "What programs may speak: `mixed`, `socks` or `http`",
      default: "mixed",
    },
    {
      name: "dns-listen",
      value: "HOST:PORT",
      help: "Answer DNS here, UDP and TCP; the questions go through the server",
    },
    {
      name: "dns-upstream",
      value: "IP[:PORT]",
      help: "The resolver that the server asks",
      default: `${DEFAULT_RESOLVER.host}:${DEFAULT_RESOLVER.port}`,
    },
    {
      name: "socks-user",
      value: "NAME:PASSWORD",
      repeatable: true,
      help: "Demand a user name and password, in SOCKS5 and HTTP alike; " +
        "repeat it for several users. SOCKS4 is then refused",
    },
    {
      name: "bind",
      help: "Serve SOCKS5 BIND through a server that runs with --bind, too",
    },
    ...UDP,
    OUTBOUND,
    ...RUNNING,
    ...OPERATOR_OPTIONS.local,
    ...COMMON,
    ...LEGACY_OPTIONS.local,
  ],
  examples: [
    "umbra local -s 192.0.2.1:8388 -m aes-256-gcm -k PASSWORD",
    "umbra local -c config.json -l 1081",
    "umbra local ss://YWVzLTI1Ni1nY206dGVzdA@192.0.2.1:8388",
    "umbra local https://example.com/SECRET/servers.json",
  ],
};

const TUNNEL: Command = {
  name: "tunnel",
  executable: "ss-tunnel",
  operands: SERVER_OPERANDS,
  maxOperands: Infinity,
  summary: "Run ss-tunnel: a port here that leads to one target over there",
  description: [
    "Runs ss-tunnel: what connects to the local port is connected to one " +
    "target through a Shadowsocks server, without a handshake. TCP, and with " +
    "-u UDP on the same port.",
  ],
  options: [
    {
      name: "tunnel-address",
      short: "L",
      value: "HOST:PORT",
      help: "The target; the server resolves its name",
    },
    ...LOCAL_ENDS,
    ...UDP,
    OUTBOUND,
    ...RUNNING,
    ...OPERATOR_OPTIONS.local,
    ...COMMON,
    ...LEGACY_OPTIONS.local,
  ],
  examples: [
    "umbra tunnel -L db.example:5432 -l 5432 -s 192.0.2.1:8388 -k PASSWORD",
    "umbra tunnel -L 192.0.2.7:22 -l 2222 -c config.json",
    "umbra tunnel -u -L 192.0.2.53:53 -l 5353 -c config.json",
  ],
};

const SERVER: Command = {
  name: "server",
  executable: "ss-server",
  maxOperands: 0,
  summary: "Run ss-server: accept ss-local and connect to the targets",
  description: [
    "Runs ss-server: takes connections of ss-local, resolves and dials the " +
    "targets they ask for, and relays. TCP, and with -u UDP.",
  ],
  options: [
    {
      name: "server-addr",
      short: "s",
      value: "HOST[:PORT]",
      repeatable: true,
      help: "Address to listen on; repeat it to listen on several",
      default: DEFAULT_SERVER_HOST,
    },
    {
      name: "server-port",
      short: "p",
      value: "PORT",
      help: "Port to listen on; 0 lets the system choose",
    },
    ...SECRET,
    CONFIG,
    {
      name: "bind",
      help: "Let clients have one connection at a time accepted here, on a " +
        "port of the system's choice (SOCKS5 BIND; both sides must be Umbra)",
    },
    ...UDP,
    {
      name: "allow-private",
      value: "CIDR",
      repeatable: true,
      help: "Let clients reach these addresses of this host or its network " +
        "too; `all` for every one",
      default: "public addresses only",
    },
    OUTBOUND,
    {
      name: "local-addr",
      short: "b",
      value: "ADDRESS",
      repeatable: true,
      help: "The same as -i, under the name it has in shadowsocks-libev",
    },
    ...RUNNING,
    ...OPERATOR_OPTIONS.server,
    ...COMMON,
    ...LEGACY_OPTIONS.server,
  ],
  examples: [
    "umbra server -p 8388 -m aes-256-gcm -k PASSWORD",
    "umbra server -s [::]:8388 -c config.json",
  ],
};

const INIT: Command = {
  name: "init",
  maxOperands: 0,
  summary: "Make a server, its users and their URIs: four questions",
  description: [
    "Asks for host, port, method and users, or takes them as options, and " +
    "makes a folder with a server configuration, a client configuration for " +
    "each user, and a systemd unit, with fresh keys. Prints each user's URI, " +
    "at a terminal with its QR code, and what to do next. Overwrites nothing.",
  ],
  options: [
    {
      name: "host",
      value: "HOST",
      help: "Name or IP address under which clients reach the server",
      default: "this machine's",
    },
    {
      name: "port",
      value: "PORT",
      help: "Port of the server",
      default: "a free one",
    },
    {
      name: "method",
      value: "METHOD",
      help: `Method: ${METHODS.map((method) => method.name).join(", ")}`,
      default: INIT_METHOD,
    },
    {
      name: "user",
      value: "NAME",
      repeatable: true,
      help: "Name of a user; repeat it for several",
      default: INIT_USER,
    },
    {
      name: "dir",
      value: "DIR",
      help: "Folder for the files",
      default: "umbra",
    },
    { name: "yes", short: "y", help: "Ask nothing, take what is suggested" },
    { name: "force", help: "Overwrite files that are there" },
    { name: "qr", help: "Draw QR codes also when this is no terminal" },
    ...COMMON,
  ],
  examples: [
    "umbra init",
    "umbra init --yes --host vpn.example --user alice --user bob",
  ],
};

const GENKEY: Command = {
  name: "genkey",
  operands: "[METHOD]",
  maxOperands: 1,
  summary: "Print a strong random password or key for a method",
  description: [
    "Prints random bytes of the method's key length in URL-safe base64. The " +
    "text serves as a password (-k) or, at full strength, as the key itself " +
    "(--key); both sides must use it the same way. For a 2022 method it is " +
    "the only kind of password there is.",
    `METHOD is ${DEFAULT_METHOD} unless given. Methods, best first:`,
  ],
  options: COMMON,
  examples: ["umbra genkey aes-256-gcm"],
};

const URL_COMMAND: Command = {
  name: "url",
  operands: SERVER_OPERANDS,
  maxOperands: Infinity,
  summary: "Print the ss:// URI of each configured server",
  description: [
    "Prints one ss:// URI (SIP002) per server of a configuration, for " +
    "`umbra local`, other clients and QR codes. A URI contains the password.",
  ],
  options: [
    CONFIG,
    {
      name: "host",
      value: "NAME",
      help: "Host in the URI, for a server that listens on every address",
    },
    { name: "tag", value: "TEXT", help: "Name of the server in the URI" },
    {
      name: "qr",
      help: "Draw each URI as a QR code, too, for a phone to scan",
    },
    ...SERVERS,
    ...SECRET,
    ...COMMON,
  ],
  examples: [
    "umbra url -c server.json --host example.com",
    "umbra url -c server.json --host example.com --qr",
    "umbra url -s 192.0.2.1:8388 -m aes-256-gcm -k PASSWORD",
  ],
};

const TOP: Command = {
  name: "top",
  maxOperands: 0,
  summary: "Watch a running program: traffic, users, refusals",
  description: [
    "Asks the operator's port of a running program once a second and shows " +
    "what moves: rates, users by rate, refusals, health. Keys sort; q quits. " +
    "Where standard output is no terminal, prints one look as text.",
  ],
  options: [...TOP_OPTIONS, ...COMMON],
  examples: [
    "umbra top --admin 127.0.0.1:9090",
    "umbra top --admin unix:/run/umbra.sock --json",
  ],
};

const CHECK: Command = {
  name: "check",
  operands: "config FILE | crypto | server [ss://URI...]",
  maxOperands: Infinity,
  summary: "Tell what a configuration means, or a server can do",
  description: [
    "`check config` prints what would run with a configuration file: places " +
    "to listen, methods, users and their limits, the defaults in effect. It " +
    "ends with exit code 2 and the mistake if there is one.",
    "`check crypto` tries every crypto provider on every method, and prints " +
    "its version, its speed on one core, and which would be chosen and why.",
    "`check server` takes the time to connect to a server, and to the first " +
    "byte of a target through it; with --url also the speed of a download. " +
    "The exit code tells whether all of it worked.",
  ],
  options: [
    CONFIG,
    ...SERVERS,
    ...SECRET,
    ...CHECK_SERVER_OPTIONS,
    {
      name: "role",
      value: "ROLE",
      help: "Who reads the file of `check config`: `server`, `local` or " +
        "`tunnel`",
      default: "what its content tells",
    },
    ...COMMON,
  ],
  examples: [
    "umbra check config server.json",
    "umbra check crypto",
    "umbra check server ss://YWVzLTI1Ni1nY206dGVzdA@192.0.2.1:8388",
    "umbra check server -c config.json --url https://example.com/large",
  ],
};

const DOCTOR: Command = {
  name: "doctor",
  operands: "[ss://URI...]",
  maxOperands: Infinity,
  summary: "Find out why it does not work, and what to do",
  description: [
    "Looks at this machine, at a configuration of either end, and at the " +
    "servers it names: clock, DNS, connection, key and method, target, UDP, " +
    "ports, permissions, descriptors, crypto. Prints a line for each, and " +
    "what to do. The exit code is 1 when something failed.",
    "It asks nobody but those servers and through them the target; with -u a " +
    "resolver, with --clock-url a web server.",
  ],
  options: [
    ...LOCAL_ENDS,
    ...DOCTOR_OPTIONS,
    {
      name: "udp-target",
      value: "HOST:PORT",
      help: "The resolver to ask through the server over UDP",
      default: `${DEFAULT_RESOLVER.host}:${DEFAULT_RESOLVER.port}`,
    },
    ...COMMON,
  ],
  examples: [
    "umbra doctor -c config.json",
    "umbra doctor ss://YWVzLTI1Ni1nY206dGVzdA@192.0.2.1:8388",
    "umbra doctor -c server.json --role server --json",
  ],
};

const COMPLETIONS: Command = {
  name: "completions",
  operands: "bash | zsh | fish",
  maxOperands: 1,
  summary: "Print completions for a shell",
  description: [
    "Prints a script that lets a shell complete commands, options and what " +
    "follows them, for umbra and the other names of the program.",
  ],
  options: COMMON,
  examples: [
    "source <(umbra completions bash)",
    "umbra completions zsh > ~/.zfunc/_umbra",
    "umbra completions fish > ~/.config/fish/completions/umbra.fish",
  ],
};

const MAN: Command = {
  name: "man",
  maxOperands: 0,
  summary: "Print the man page",
  description: ["Prints the page umbra(1), for man to read."],
  options: COMMON,
  examples: ["umbra man | man -l -", "umbra man > umbra.1"],
};

const HELP: Command = {
  name: "help",
  operands: "[COMMAND]",
  maxOperands: 1,
  summary: "Print the help of a command",
  description: ["Prints the help of a command, or the list of commands."],
  options: COMMON,
  examples: ["umbra help server"],
};

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  LOCAL,
  TUNNEL,
  SERVER,
  INIT,
  GENKEY,
  URL_COMMAND,
  TOP,
  CHECK,
  DOCTOR,
  COMPLETIONS,
  MAN,
  HELP,
];

/** The command of this name, if there is one. */
export function findCommand(name: string): Command | undefined {
  return COMMANDS.find((command) => command.name === name);
}

/**
 * The command that the executable's own name implies.
 *
 * @param names Paths or names under which the program may have been started,
 * the most telling first.
 */
export function impliedCommand(
  names: readonly (string | undefined)[],
): Command | undefined {
  for (const name of names) {
    const base = name?.split(/[/\\]/).at(-1)?.replace(/\.exe$/i, "");
    const command = COMMANDS.find((one) => one.executable === base);
    if (base !== undefined && command !== undefined) return command;
  }
  return undefined;
}
