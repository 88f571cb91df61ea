/**
 * The commands that run a service: `local`, `tunnel`, `redir` and `server`.
 *
 * @module
 */
import type { Command, Option } from "../options/option.ts";
import { BALANCER } from "../settings/balancer.ts";
import { DNS } from "../settings/dns.ts";
import { FLEET } from "../settings/fleet.ts";
import {
  LOCAL as LISTENING,
  PAC,
  SNIFF,
  SOCKS_USERS,
  SYSTEM_PROXY,
  TUNNEL as TARGET,
} from "../settings/local.ts";
import { BLIND } from "../settings/legacy.ts";
import {
  FORBIDDEN,
  OUTBOUND,
  SEND_FROM,
  TARGETS,
} from "../settings/network.ts";
import { ADMIN, CONTROL, LOG, RUNNING } from "../settings/program.ts";
import { ACL } from "../settings/routes.ts";
import { MODE_SWITCHES, SERVICE } from "../settings/service.ts";
import { REDIR as REDIRECTION, RULES } from "../settings/redir.ts";
import { NAMES, SOCKETS } from "../settings/sockets.ts";
import { optionsNotServed, optionsOf } from "../settings/tables.ts";
import {
  CONFIG,
  LOCAL_ENDS,
  SERVER_OPERANDS,
  SERVERS,
} from "./shared_options.ts";

/** The options of every service; they come last in the help. */
const REST: readonly Option[] = [
  ...optionsOf(MODE_SWITCHES),
  ...optionsOf(SERVICE),
  ...optionsOf(OUTBOUND),
  ...optionsOf(SOCKETS),
  ...optionsOf(NAMES),
  ...optionsOf(RUNNING),
  ...optionsOf(LOG).filter(({ name }) => name !== "verbose"),
  ...optionsOf(ADMIN),
];

/** `umbra local`. */
const LOCAL: Command = {
  name: "local",
  executable: "ss-local",
  operands: SERVER_OPERANDS,
  maxOperands: Infinity,
  summary: "Run ss-local: a SOCKS and HTTP proxy that sends through a server",
  description: [
    "Runs ss-local: a proxy for the programs on this machine that sends " +
    "everything through a Shadowsocks server. One port accepts SOCKS4, " +
    "SOCKS4a, SOCKS5 and HTTP. TCP, and with -u UDP.",
  ],
  options: [
    ...LOCAL_ENDS.filter(({ name }) => name !== "protocol"),
    ...optionsOf(BALANCER),
    ...optionsOf(LISTENING, "protocol"),
    ...optionsOf(BLIND),
    ...optionsOf(DNS),
    ...optionsOf(SOCKS_USERS),
    ...optionsOf(PAC),
    ...optionsOf(SYSTEM_PROXY),
    ...optionsOf(ACL),
    ...optionsOf(SNIFF),
    ...REST,
    ...optionsNotServed("local"),
  ],
  examples: [
    "umbra local -s 192.0.2.1:8388 -m aes-256-gcm -k PASSWORD",
    "umbra local -c config.json -l 1081",
    "umbra local ss://YWVzLTI1Ni1nY206dGVzdA@192.0.2.1:8388",
    "umbra local https://example.com/SECRET/servers.json",
  ],
};

/** `umbra tunnel`. */
const TUNNEL: Command = {
  name: "tunnel",
  executable: "ss-tunnel",
  operands: SERVER_OPERANDS,
  maxOperands: Infinity,
  summary: "Run ss-tunnel: a local port that leads to one remote target",
  description: [
    "Runs ss-tunnel: connects every client of the local port to one target " +
    "through a Shadowsocks server, without a handshake. TCP, and with -u " +
    "UDP on the same port.",
  ],
  options: [
    ...optionsOf(TARGET),
    ...LOCAL_ENDS,
    ...optionsOf(BALANCER),
    ...REST,
    ...optionsNotServed("tunnel"),
  ],
  examples: [
    "umbra tunnel -L db.example:5432 -l 5432 -s 192.0.2.1:8388 -k PASSWORD",
    "umbra tunnel -L 192.0.2.7:22 -l 2222 -c config.json",
    "umbra tunnel -u -L 192.0.2.53:53 -l 5353 -c config.json",
  ],
};

/** Options of `ss-local` that `umbra redir` has as well. */
const SERVED_BY_REDIR = new Set(
  Object.values(REDIRECTION).map(({ flag }) => flag),
);

/** `umbra redir`. */
const REDIR: Command = {
  name: "redir",
  executable: "ss-redir",
  operands: `[rules] ${SERVER_OPERANDS}`,
  maxOperands: Infinity,
  summary: "Run ss-redir: send what the system redirects through a server",
  description: [
    "Runs ss-redir, on Linux: takes the connections, and with -u the " +
    "datagrams, that nft rules redirect to the local port, and sends them " +
    "to their original targets through a Shadowsocks server. `umbra redir " +
    "rules` prints such rules for a configuration; it changes nothing on " +
    "the system.",
  ],
  options: [
    ...optionsOf(REDIRECTION),
    ...optionsOf(RULES),
    ...LOCAL_ENDS,
    ...optionsOf(BALANCER),
    ...optionsOf(DNS),
    ...optionsOf(ACL),
    ...optionsOf(SNIFF),
    ...REST,
    ...optionsNotServed("local").filter(({ name }) =>
      !SERVED_BY_REDIR.has(name)
    ),
  ],
  examples: [
    "umbra redir -l 1234 -s 192.0.2.1:8388 -k PASSWORD",
    "umbra redir -T -u -l 1234 -c config.json",
    "umbra redir rules -T -u -l 1234 -c config.json --lan eth1 > redir.nft",
    "umbra redir rules -T -u -l 1234 -c config.json --remove",
  ],
};

/** `umbra server`. */
const SERVER: Command = {
  name: "server",
  executable: "ss-server",
  summary: "Run ss-server: accept ss-local and connect to the targets",
  description: [
    "Runs ss-server: accepts connections of ss-local, resolves and connects " +
    "to the targets they request, and relays. TCP, and with -u UDP.",
  ],
  options: [
    ...SERVERS,
    CONFIG,
    ...optionsOf(TARGETS),
    ...optionsOf(FORBIDDEN),
    ...optionsOf(ACL, "files"),
    ...optionsOf(SEND_FROM),
    ...REST,
    ...optionsOf(CONTROL),
    ...optionsOf(FLEET),
    ...optionsNotServed("server"),
  ],
  examples: [
    "umbra server -p 8388 -m aes-256-gcm -k PASSWORD",
    "umbra server -s [::]:8388 -c config.json",
  ],
};

/** The commands that run a service, in the order of the help. */
export const ROLE_COMMANDS: readonly Command[] = [LOCAL, TUNNEL, REDIR, SERVER];
