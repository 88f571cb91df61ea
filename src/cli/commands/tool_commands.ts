/**
 * The commands that run no service.
 *
 * @module
 */
import { METHODS } from "../../crypto/method.ts";
import type { Command, Option } from "../options/option.ts";
import {
  CONVERT_FORMS,
  DEFAULT_METHOD,
  ENV_SHELLS,
  INIT_METHOD,
  INIT_USER,
} from "./defaults.ts";
import { LOCAL, PAC, SOCKS_USERS } from "../settings/local.ts";
import { DNS } from "../settings/dns.ts";
import { DOCTOR as TRIAL, MEASURE, PROBE } from "../settings/probe.ts";
import { ACL } from "../settings/routes.ts";
import { ADMIN } from "../settings/program.ts";
import { FLEET } from "../settings/fleet.ts";
import { BESIDE } from "../settings/migrate.ts";
import { SERVER } from "../settings/server.ts";
import { optionsOf } from "../settings/tables.ts";
import {
  CONFIG,
  LOCAL_ENDS,
  SERVER_OPERANDS,
  SERVERS,
  USUAL,
} from "./shared_options.ts";

/** `umbra init`. */
export const INIT: Command = {
  name: "init",
  maxOperands: 0,
  summary: "Set up a server, its users and their URIs with four questions",
  description: [
    "Asks for host, port, method and users, or takes them from options, and " +
    "writes a folder with a server configuration, a client configuration " +
    "for each user, and a systemd unit, all with new keys. Prints each " +
    "user's URI, at a terminal also its QR code, and the next steps. " +
    "Overwrites nothing.",
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
      help: "Name of a user; repeat the option for several users",
      default: INIT_USER,
    },
    {
      name: "dir",
      value: "DIR",
      help: "Folder for the files",
      default: "/etc/umbra as root, else umbra-server",
    },
    {
      name: "install",
      help: "Also install the program, a user and the systemd unit on this " +
        "machine; needs root and Linux",
    },
    { name: "yes", short: "y", help: "Ask nothing, use the suggested values" },
    { name: "force", help: "Overwrite existing files" },
    {
      name: "qr",
      help: "Draw QR codes even if standard output is not a terminal",
    },
    ...USUAL,
  ],
  examples: [
    "umbra init",
    "umbra init --yes --host vpn.example --user alice --user bob",
    "sudo umbra init --install",
  ],
};

/** The options that limit a user. */
const LIMITS: readonly Option[] = [
  {
    name: "quota",
    value: "SIZE",
    help: "Total payload of the user, for example 50 GiB; none for no limit",
  },
  {
    name: "rate",
    value: "RATE",
    help: "Payload rate each way, for example 10 Mbit/s; none for no limit",
  },
  {
    name: "connections",
    value: "N",
    help: "Simultaneous connections; none for no limit",
  },
  {
    name: "devices",
    value: "N",
    help: "Simultaneous devices, by IP address; none for no limit",
  },
  {
    name: "expires",
    value: "DATE",
    help: "Day or time of expiry, for example 2027-01-31; none for never",
  },
];

/** `umbra user`. */
export const USER_COMMAND: Command = {
  name: "user",
  operands: "ACTION [NAME]",
  maxOperands: 2,
  summary: "Add, show, change and remove users of a server",
  description: [
    "ACTION is `add`, `list`, `show`, `set`, `disable`, `enable`, `clear` " +
    "(the user's counts), `remove` or `link`. Uses the running program that " +
    "-c FILE configures or --admin names; if it does not run, uses the " +
    "store of that configuration. `add` and `link` print the user's link, " +
    "at a terminal also its QR code, and the address of the invitation: a " +
    "page with the code, apps, and the remaining quota. Users of the " +
    "configuration can be changed and removed as well: the file does not " +
    "change, the store keeps the changes.",
  ],
  options: [
    CONFIG,
    ...optionsOf(ADMIN, "admin", "adminTokenFile", "adminCert"),
    {
      name: "server",
      value: "PORT",
      help: "Port of the server, if there are several servers",
    },
    ...LIMITS,
    {
      name: "qr",
      help: "Draw the QR code even if standard output is not a terminal",
    },
    { name: "json", help: "Print JSON (`list`, `show`)" },
    ...USUAL,
  ],
  examples: [
    "umbra user add bob -c /etc/umbra/server.json --quota '50 GiB'",
    "umbra user list -c /etc/umbra/server.json",
    "umbra user set bob --devices 3 --expires none --admin 127.0.0.1:9090",
  ],
};

/** `umbra fleet`. */
export const FLEET_COMMAND: Command = {
  name: "fleet",
  operands: "ACTION [WORD] [NAME]",
  maxOperands: 3,
  summary: "Create a fleet, watch its servers, change the users they share",
  description: [
    "`init` creates a fleet on an engine (Valkey or Redis), writes its key " +
    "to --fleet-key and prints what the engine and each server need.",
    "`token` prints everything that another server needs as one secret line; on " +
    "that server `join TOKEN [FOLDER]` writes the configuration. TOKEN is the " +
    "line, a file that contains it, or `-` for standard input, which keeps it " +
    "out of the list of processes.",
    "`status` shows every server. `drain NODE` takes a server out: /readyz " +
    "answers 503, lists of servers omit it, and its connections continue, until " +
    "`restore NODE`. `remove NODE` forgets a server that will not come back, " +
    "with its leases and devices. `doctor` examines the engine, the servers and the sealed " +
    "keys, and says what to do; the exit code is 1 if something failed. `rekey` " +
    "replaces the fleet key in three runs, each of which says what to do next.",
    "`user add`, `user set`, `user enable`, `user disable` and `user remove` " +
    "change users on all servers within a second; `reset` starts a new " +
    "period of the quota. `import FILE` and `export FILE` copy users and " +
    "their usage from and to a store.",
  ],
  options: [
    CONFIG,
    ...optionsOf(
      FLEET,
      ...["fleet", "fleetKey", "fleetAuthFile", "fleetCa", "fleetPlain"],
      "node",
    ),
    {
      name: "same-key",
      help:
        "Put the server's key into the token (`token`), for servers behind " +
        "one address",
    },
    {
      name: "wait",
      value: "SECONDS",
      help:
        "Wait until the server has no connections (`drain`); the exit code is 1 " +
        "if some are left after this time",
    },
    {
      name: "server",
      value: "PORT",
      help: "Port of the servers that have these users",
      default: "that of -c FILE",
    },
    {
      name: "method",
      value: "METHOD",
      help: "Method of the servers, for the key of a new user: " +
        METHODS.map((method) => method.name).join(", "),
      default: "that of -c FILE",
    },
    ...LIMITS,
    {
      name: "json",
      help: "Print JSON (`status`, `doctor`, `user list`, `user show`)",
    },
    ...USUAL,
  ],
  examples: [
    "umbra fleet init --fleet valkeys://valkey.example --fleet-key fleet.key",
    "umbra fleet user add alice -c server.json --quota 50GB --devices 3",
    "umbra fleet user list -c server.json",
    "umbra fleet status -c server.json",
    "umbra fleet drain fra1 --wait 600 -c server.json",
    "umbra fleet token -c server.json | ssh ams1 umbra fleet join - umbra",
    "umbra fleet import users.db -c server.json",
  ],
};

/** `umbra genkey`. */
export const GENKEY: Command = {
  name: "genkey",
  operands: "[METHOD]",
  maxOperands: 1,
  summary: "Print a strong random password or key for a method",
  description: [
    "Prints random bytes of the method's key length in URL-safe base64. The " +
    "text is a password (-k) or, at full strength, the key itself (--key); " +
    "both sides must use it the same way. A 2022 method accepts no other " +
    "kind of password.",
    `METHOD is ${DEFAULT_METHOD} unless given. Methods, best first:`,
  ],
  options: USUAL,
  examples: ["umbra genkey aes-256-gcm"],
};

/** `umbra url`. */
export const URL_COMMAND: Command = {
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
      help: "Also draw each URI as a QR code, for a phone to scan",
    },
    ...SERVERS,
    ...USUAL,
  ],
  examples: [
    "umbra url -c server.json --host example.com",
    "umbra url -c server.json --host example.com --qr",
    "umbra url -s 192.0.2.1:8388 -m aes-256-gcm -k PASSWORD",
  ],
};

/** `umbra env`. */
export const ENV: Command = {
  name: "env",
  maxOperands: 0,
  summary: "Print the environment variables of a local proxy",
  description: [
    "Prints http_proxy, https_proxy, all_proxy and no_proxy, in lower and " +
    'upper case, for a shell: `eval "$(umbra env)"`. The proxy resolves ' +
    "names. If the local requires a password, the variables contain the " +
    "password of its first user.",
  ],
  options: [
    CONFIG,
    ...optionsOf(LOCAL, "address", "port", "protocol"),
    ...optionsOf(SOCKS_USERS),
    {
      name: "shell",
      value: "SHELL",
      words: ENV_SHELLS,
      help: `Shell to write for: ${ENV_SHELLS.join(", ")}`,
      default: "sh",
    },
    ...USUAL,
  ],
  examples: [
    'eval "$(umbra env -c config.json)"',
    "umbra env --shell fish | source",
  ],
};

/** `umbra system-proxy`. */
export const SYSTEM_PROXY_COMMAND: Command = {
  name: "system-proxy",
  operands: "off | pac [-c FILE]",
  maxOperands: 2,
  summary: "Restore the desktop's proxy, or print the PAC file's address",
  description: [
    "`umbra local --system-proxy FORM` makes a local the proxy of GNOME, " +
    "KDE, macOS or Windows while it runs. `off` restores the earlier " +
    "setting if the local could not do so itself. `pac` prints the address " +
    "of the PAC file of a local; if the local requires a password, the " +
    "address ends with a secret.",
  ],
  options: [
    ...LOCAL_ENDS.filter(({ name }) => name !== "protocol"),
    ...optionsOf(LOCAL, "protocol"),
    ...optionsOf(SOCKS_USERS),
    ...optionsOf(PAC),
    ...USUAL,
  ],
  examples: [
    "umbra system-proxy off",
    "umbra system-proxy pac -c config.json",
  ],
};

/** `umbra convert`. */
export const CONVERT: Command = {
  name: "convert",
  operands: "[FILE | ss://URI | ssr://URI | https://LIST]...",
  maxOperands: Infinity,
  summary: "Write servers in another form, or as Shadowsocks 2022",
  description: [
    "Reads servers in these forms: configurations of Umbra, " +
    "shadowsocks-libev, -rust, the Python original, ShadowsocksR (also " +
    "mudb.json) and lightsocks, SIP008, subscriptions, outbounds of " +
    "sing-box, proxies of Clash, links. Writes them to standard output in " +
    "the form of --to. The output contains passwords.",
    "With --upgrade it writes a server of Shadowsocks 2022 on the same " +
    "ports, with new keys for each user, and the links of its clients as " +
    "comments below.",
  ],
  options: [
    CONFIG,
    {
      name: "to",
      value: "FORM",
      words: CONVERT_FORMS,
      help: `Form to write: ${CONVERT_FORMS.join(", ")}`,
      default: "json",
    },
    { name: "upgrade", help: "Write a Shadowsocks 2022 server instead" },
    {
      name: "host",
      value: "NAME",
      help: "Host for clients, for a server that listens on every address",
    },
    { name: "tag", value: "TEXT", help: "Display name of the server" },
    ...SERVERS,
    ...USUAL,
  ],
  examples: [
    "umbra convert config.json --to clash",
    "umbra convert ss://YWVzLTI1Ni1nY206dGVzdA@192.0.2.1:8388 --to sing-box",
    "umbra convert mudb.json --host vpn.example --upgrade > server.json",
  ],
};

/** `umbra migrate`. */
export const MIGRATE: Command = {
  name: "migrate",
  operands: "FILE | FOLDER...",
  maxOperands: Infinity,
  summary: "Take over the users of another server, with their keys",
  description: [
    "Reads the configuration of a server of shadowsocks-libev, " +
    "shadowsocks-rust or Outline (shadowbox_config.json), or the folder in " +
    "which ss-manager saves its ports, and writes a configuration for " +
    "`umbra server` to standard output with the same ports, methods and " +
    "keys, so that no client has to change. Names and data limits are kept; " +
    "a port that had one password gets a user of its own. The output " +
    "contains passwords.",
  ],
  options: [
    {
      name: "host",
      value: "NAME",
      help:
        "Name or IP address under which clients reach the server, for links",
    },
    // This is the method of ports without one: that with which ss-manager was
    // started.
    ...optionsOf(SERVER, "method"),
    ...optionsOf(BESIDE),
    ...USUAL,
  ],
  examples: [
    "umbra migrate /etc/shadowsocks-libev/config.json > server.json",
    "umbra migrate ~/.shadowsocks > server.json",
    "umbra migrate /opt/outline/persisted-state/shadowbox_config.json",
    "umbra migrate config.json --beside 20000 > beside.json",
    "umbra migrate config.json --beside 20000 --rules > beside.nft",
  ],
};

/** `umbra top`. */
export const TOP: Command = {
  name: "top",
  maxOperands: 0,
  summary: "Watch a running program: traffic, users, refusals",
  description: [
    "Reads the operator's port of a running program once a second and shows " +
    "rates, users by rate, refusals and health. Keys sort; q quits. If " +
    "standard output is not a terminal, prints one report as text.",
  ],
  options: [
    {
      name: "admin",
      value: "ADDRESS",
      help: "The --admin of the running program: HOST:PORT or unix:/PATH",
    },
    {
      name: "admin-token-file",
      aliases: ["token-file"],
      value: "FILE",
      help: "File whose first line is the token of the operator's port",
    },
    {
      name: "admin-cert",
      value: "FILE",
      help: "The --admin-cert of the running program, if it has one",
    },
    { name: "json", help: "Print one report as JSON and exit" },
    ...USUAL,
  ],
  examples: [
    "umbra top --admin 127.0.0.1:9090",
    "umbra top --admin unix:/run/umbra.sock --json",
  ],
};

/** `umbra check`. */
export const CHECK: Command = {
  name: "check",
  operands: "config FILE | acl | crypto | transport | server",
  maxOperands: Infinity,
  summary: "Check a configuration, an ACL, crypto, sockets or a server",
  description: [
    "`check config` prints what would run with a configuration file: " +
    "listening addresses, methods, users and their limits, the defaults in " +
    "effect. If the file has a mistake, it prints the mistake and exits " +
    "with code 2.",
    "`check crypto` tests every crypto provider on every method, and prints " +
    "its version, its speed on one core, and which provider would be chosen " +
    "and why.",
    "`check transport` tests Umbra's own sockets on this machine, and " +
    "prints what they and the runtime's sockets can do, and which are used " +
    "and why.",
    "`check server` measures the time to connect to a server, and to the " +
    "first byte of a target through it; with --url also the speed of a " +
    "download. The exit code is 0 if everything worked.",
    "`check acl` counts the rules of an ACL, lists conflicts, rules that " +
    "never match and rules that are not used, and prints where the ACL " +
    "sends each HOST.",
  ],
  options: [
    CONFIG,
    ...SERVERS,
    ...optionsOf(PROBE),
    ...optionsOf(MEASURE),
    {
      name: "role",
      value: "ROLE",
      help:
        "The role that uses the file of `check config`: `server`, `local` or " +
        "`tunnel`",
      default: "found from its content",
    },
    ...USUAL,
  ],
  examples: [
    "umbra check config server.json",
    "umbra check crypto",
    "umbra check transport",
    "umbra check server ss://YWVzLTI1Ni1nY206dGVzdA@192.0.2.1:8388",
    "umbra check server -c config.json --url https://example.com/large",
    "umbra check acl bypass-lan.acl www.example.com 192.0.2.1",
  ],
};

/** `umbra route`. */
export const ROUTE: Command = {
  name: "route",
  operands: "TARGET...",
  maxOperands: Infinity,
  summary: "Print the route of a target, and the rule that decides",
  description: [
    "Prints for each TARGET, HOST or HOST:PORT, whether it is sent through " +
    "a server, connected to directly or refused, and the rule that decides: " +
    "its list, file and line. Connects to nothing, and resolves no names " +
    "without --resolve.",
  ],
  options: [
    CONFIG,
    ...optionsOf(ACL),
    { name: "resolve", help: "Resolve names if a rule needs addresses" },
    { name: "udp", help: "Decide for a datagram, not for a connection" },
    ...USUAL,
  ],
  examples: [
    "umbra route -c config.json www.example.com 192.0.2.1:22",
    "umbra route --acl bypass-lan.acl --resolve www.example.com",
  ],
};

/** `umbra doctor`. */
export const DOCTOR: Command = {
  name: "doctor",
  operands: "[ss://URI...]",
  maxOperands: Infinity,
  summary: "Find out why a connection does not work, and what to do",
  description: [
    "Checks this machine, a configuration of a local or a server, and the " +
    "servers that it names: clock, DNS, connection, key and method, target, " +
    "UDP, ports, permissions, descriptors, crypto. Prints a line for each " +
    "check, and what to do. The exit code is 1 if a check failed.",
    "It contacts only those servers and, through them, the target; with -u " +
    "also a resolver, with --clock-url also a web server, with --dns also " +
    "the resolvers of the configuration.",
  ],
  options: [
    ...LOCAL_ENDS,
    {
      name: "role",
      value: "ROLE",
      help: "The role of the configuration, `local` or `server`; by default " +
        "found from its content",
    },
    ...optionsOf(PROBE),
    ...optionsOf(TRIAL),
    ...optionsOf(DNS),
    ...USUAL,
  ],
  examples: [
    "umbra doctor -c config.json",
    "umbra doctor -c config.json --dns --dns-name www.example.com",
    "umbra doctor ss://YWVzLTI1Ni1nY206dGVzdA@192.0.2.1:8388",
    "umbra doctor -c server.json --role server --json",
  ],
};

/** `umbra completions`. */
export const COMPLETIONS: Command = {
  name: "completions",
  operands: "bash | zsh | fish",
  maxOperands: 1,
  summary: "Print completions for a shell",
  description: [
    "Prints a script with which a shell completes commands, options and " +
    "their values, for umbra and the other names of the program.",
  ],
  options: USUAL,
  examples: [
    "source <(umbra completions bash)",
    "umbra completions zsh > ~/.zfunc/_umbra",
    "umbra completions fish > ~/.config/fish/completions/umbra.fish",
  ],
};

/** `umbra man`. */
export const MAN: Command = {
  name: "man",
  maxOperands: 0,
  summary: "Print the man page",
  description: ["Prints the page umbra(1), for man to read."],
  options: USUAL,
  examples: ["umbra man | man -l -", "umbra man > umbra.1"],
};

/** `umbra help`. */
export const HELP: Command = {
  name: "help",
  operands: "[COMMAND]",
  maxOperands: 1,
  summary: "Print the help of a command",
  description: ["Prints the help of a command, or the list of commands."],
  options: USUAL,
  examples: ["umbra help server"],
};
