/**
 * Options that several commands have.
 *
 * @module
 */
import { METHODS } from "../../crypto/method.ts";
import {
  GRACE_MS,
  IDLE_TIMEOUT_MS,
  MAX_CONNECTIONS,
  MAX_UDP_FLOWS,
  ONLINE_REFRESH_MS,
  UDP_TIMEOUT_MS,
} from "../../limits.ts";
import type { Option } from "../options/option.ts";
import { DEFAULT_LOCAL, DEFAULT_METHOD } from "./defaults.ts";

/** What every command has. */
export const COMMON: readonly Option[] = [
  {
    name: "verbose",
    short: "v",
    help: "Say more: log each connection, show the stack of a defect",
  },
  { name: "help", short: "h", help: "Print this help" },
  { name: "version", short: "V", help: "Print version, build and runtime" },
];

/** The configuration file. */
export const CONFIG: Option = {
  name: "config",
  short: "c",
  value: "FILE",
  help: "Read this JSON configuration (shadowsocks-libev or -rust); " +
    "an option given here beats the file",
};

/** What keys are made of. */
export const SECRET: readonly Option[] = [
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

/** How whatever runs, runs. */
export const RUNNING: readonly Option[] = [
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
export const SERVERS: readonly Option[] = [
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
export const SERVER_OPERANDS = "[ss://URI... | https://LIST]";

/** Where to send, and where to listen. */
export const LOCAL_ENDS: readonly Option[] = [
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

/** Whether and how UDP is served. */
export const UDP: readonly Option[] = [
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
export const OUTBOUND: Option = {
  name: "outbound-bind-addr",
  short: "i",
  value: "ADDRESS",
  repeatable: true,
  help: "Send from this address of the host, one of each family at most; " +
    "TCP on Bun only",
  default: "the system's choice",
};
