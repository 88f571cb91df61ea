/**
 * The commands that run something: `local`, `tunnel` and `server`.
 *
 * @module
 */
import { LEGACY_OPTIONS } from "../options/legacy_options.ts";
import type { Command, Option } from "../options/option.ts";
import { ACL_OPTION, LOCAL_ROUTE_OPTIONS } from "../routes/route_options.ts";
import { DEFAULT_RESOLVER, DEFAULT_SERVER_HOST } from "./defaults.ts";
import { OPERATOR_OPTIONS } from "./operator_options.ts";
import {
  COMMON,
  CONFIG,
  LOCAL_ENDS,
  OUTBOUND,
  RUNNING,
  SECRET,
  SERVER_OPERANDS,
  UDP,
} from "./shared_options.ts";

/** What the two local ends have in common, last in their help. */
const REST_OF_LOCALS: readonly Option[] = [
  ...UDP,
  OUTBOUND,
  ...RUNNING,
  ...OPERATOR_OPTIONS.local,
  ...COMMON,
  ...LEGACY_OPTIONS.local,
];

/** `umbra local`. */
export const LOCAL: Command = {
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
    ...LOCAL_ROUTE_OPTIONS,
    ...REST_OF_LOCALS,
  ],
  examples: [
    "umbra local -s 192.0.2.1:8388 -m aes-256-gcm -k PASSWORD",
    "umbra local -c config.json -l 1081",
    "umbra local ss://YWVzLTI1Ni1nY206dGVzdA@192.0.2.1:8388",
    "umbra local https://example.com/SECRET/servers.json",
  ],
};

/** `umbra tunnel`. */
export const TUNNEL: Command = {
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
    ...REST_OF_LOCALS,
  ],
  examples: [
    "umbra tunnel -L db.example:5432 -l 5432 -s 192.0.2.1:8388 -k PASSWORD",
    "umbra tunnel -L 192.0.2.7:22 -l 2222 -c config.json",
    "umbra tunnel -u -L 192.0.2.53:53 -l 5353 -c config.json",
  ],
};

/** `umbra server`. */
export const SERVER: Command = {
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
    {
      name: "reject-private",
      help: "Public addresses only, whatever the file allows",
    },
    ACL_OPTION,
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
