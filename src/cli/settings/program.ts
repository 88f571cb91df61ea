/**
 * Settings of the running program rather than of its servers.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import { GRACE_MS, MAX_WORKERS } from "../../limits.ts";
import { availableParallelism } from "node:os";
import type { TransportName } from "../../adapters/net/choose.ts";
import { CRYPTO_CHOICES } from "../commands/defaults.ts";
import { readHostAndPort, readInteger } from "../config/values.ts";
import type { LogFormat } from "../log/log.ts";
import type { LogPrivacy } from "../log/log_privacy.ts";
import {
  choice,
  numberOrText,
  readEndpoint,
  seconds,
  several,
  SWITCH,
  text,
  textAs,
} from "./kinds.ts";
import type { Kind, Settings } from "./setting.ts";
import type { Endpoint } from "../../transport.ts";

/** A TCP address, or the path of a unix socket. */
export type AdminAddress = Endpoint | { readonly path: string };

export interface RunningSettings {
  readonly workers: number;
  readonly crypto: string;
  readonly transport: TransportName;
  readonly drainMs: number;
  readonly graceMs: number;
  readonly reusePort: boolean;
}

/** The settings of every service. */
export const RUNNING: Settings<RunningSettings> = {
  workers: {
    key: "workers",
    flag: "workers",
    kind: numberOrText({
      value: "N",
      type: "count or `auto`",
      expected: `a whole number from 1 to ${MAX_WORKERS}, or auto`,
      read: (value) =>
        value === "auto"
          ? Math.min(availableParallelism(), MAX_WORKERS)
          : readInteger(value, 1, MAX_WORKERS),
    }),
    default: 1,
    help: "Threads that share the port, `auto` for one a core; Linux only",
  },
  crypto: {
    key: "crypto",
    flag: "crypto",
    kind: choice("PROVIDER", CRYPTO_CHOICES),
    default: "auto",
    help: "Who computes the cipher: auto (the fastest that is right), noble, " +
      "node or openssl",
  },
  transport: {
    key: "transport",
    flag: "transport",
    kind: choice<TransportName>("NAME", ["auto", "runtime", "linux"]),
    default: "auto",
    help: "Whose sockets serve: auto (the runtime's), runtime, or linux (our " +
      "own over system calls: faster, many UDP datagrams at a time)",
  },
  drainMs: {
    key: "drain",
    flag: "drain",
    kind: seconds(0, "seconds, 0 or more"),
    default: 0,
    help: "Time to go on accepting after SIGINT or SIGTERM, while /readyz " +
      "says no and a balancer looks elsewhere",
  },
  graceMs: {
    key: "grace",
    flag: "grace",
    kind: seconds(0, "seconds, 0 or more"),
    default: GRACE_MS,
    help: "Time open connections get to finish after SIGINT or SIGTERM, and " +
      "after --drain",
  },
  reusePort: {
    key: "reuse_port",
    flag: "reuse-port",
    kind: SWITCH,
    default: false,
    help: "Let another process listen on the same ports, to take over from it",
  },
};

export interface LogSettings {
  readonly verbose: boolean;
  readonly logFormat: LogFormat;
  readonly logPrivacy: LogPrivacy;
  readonly logConnections: boolean;
  readonly logWithoutTime: boolean;
}

/** The settings of the log. The default of `logPrivacy` depends on the role. */
export const LOG: Settings<LogSettings> = {
  logFormat: {
    key: "log_format",
    flag: "log-format",
    kind: choice<LogFormat>("FORMAT", ["text", "json"]),
    default: "text",
    help: "Lines of the log on standard error: `text` or `json`",
  },
  logPrivacy: {
    key: "log_privacy",
    flag: "log-privacy",
    kind: choice<LogPrivacy>("LEVEL", ["full", "hashed", "none"]),
    usual: "hashed for a server, full for a local",
    help: "Targets in the log: `full`, `hashed` (equal ones look equal, " +
      "names stay hidden) or `none`",
  },
  logConnections: {
    key: "log_connections",
    flag: "log-connections",
    kind: SWITCH,
    default: false,
    help: "Log each connection when it ends, in one line that says why, and " +
      "never collapse many lines of one kind into a count",
  },
  logWithoutTime: {
    key: "log_without_time",
    flag: "log-without-time",
    kind: SWITCH,
    default: false,
    help: "Leave the time out of log lines, where journald or a container " +
      "writes it beside them",
  },
  verbose: {
    key: "verbose",
    flag: "verbose",
    short: "v",
    kind: SWITCH,
    fileKind: {
      ...SWITCH,
      expected: "true, false or a level from -2 to 2",
      schema: { type: ["boolean", "integer"] },
      read: (value) =>
        typeof value === "boolean"
          ? value
          : Number.isInteger(value) && Math.abs(value as number) <= 2
          ? (value as number) > 0
          : undefined,
    },
    default: false,
    help: "Say more: log each connection, show the stack of a defect",
  },
};

export interface ControlSettings {
  readonly admin: AdminAddress;
  readonly adminTokenFile: string;
  readonly adminHosts: string[];
  readonly adminCert: string;
  readonly adminKey: string;
  readonly invite: AdminAddress;
  readonly inviteUrl: string;
  readonly inviteCert: string;
  readonly inviteKey: string;
  readonly publicHost: string;
  readonly manager: AdminAddress;
  readonly managerAnywhere: boolean;
  readonly store: string;
}

const ADMIN_ADDRESS: Kind<AdminAddress> = textAs({
  value: "ADDRESS",
  type: "string",
  expected: "HOST:PORT or unix:/PATH",
  read: readAdmin,
  write: formatAdminAddress,
});

const HOST_NAME: Kind<string> = textAs({
  value: "NAME",
  type: "string",
  expected: "a name or an IP address, without a port",
  read(text): string | undefined {
    const { host, port } = readHostAndPort(text) ?? {};
    return port === undefined ? host : undefined;
  },
});

const HTTP_URL: Kind<string> = textAs({
  value: "URL",
  type: "string",
  expected: "https://HOST or http://HOST, with a port or a path if need be",
  read(text): string | undefined {
    const url = URL.parse(text);
    const isPlain = url !== null && /^https?:$/.test(url.protocol) &&
      url.username === "" && url.password === "" && url.search === "" &&
      url.hash === "";
    return isPlain ? url.href.replace(/\/+$/, "") : undefined;
  },
});

/** The operator's port, of both ends. */
export const ADMIN: Settings<
  Pick<
    ControlSettings,
    "admin" | "adminTokenFile" | "adminHosts" | "adminCert" | "adminKey"
  >
> = {
  admin: {
    key: "admin",
    flag: "admin",
    kind: ADMIN_ADDRESS,
    help: "Serve metrics, API and dashboard here: HOST:PORT or unix:/PATH; " +
      "other hosts than this one only with a token",
  },
  adminTokenFile: {
    key: "admin_token_file",
    flag: "admin-token-file",
    kind: text("FILE", "file"),
    help: "File with the token that --admin asks for in its one line",
  },
  adminHosts: {
    key: "admin_host",
    flag: "admin-host",
    kind: several(HOST_NAME),
    help: "Name by which --admin may be asked for, besides its address; " +
      "needed behind a proxy",
  },
  adminCert: {
    key: "admin_cert",
    flag: "admin-cert",
    kind: text("FILE", "file"),
    help: "Certificate with its chain, PEM: --admin is HTTPS; read again " +
      "within a minute when it is renewed",
  },
  adminKey: {
    key: "admin_key",
    flag: "admin-key",
    kind: text("FILE", "file"),
    help: "Private key of --admin-cert, PEM",
  },
};

/** The settings of a server's operator. */
export const CONTROL: Settings<Omit<ControlSettings, keyof typeof ADMIN>> = {
  publicHost: {
    key: "public_host",
    flag: "public-host",
    kind: HOST_NAME,
    role: "server",
    help: "Name or address by which clients reach the server, for the URIs " +
      "that users are given",
  },
  invite: {
    key: "invite",
    flag: "invite",
    kind: ADMIN_ADDRESS,
    role: "server",
    help:
      "Serve the invitations and subscriptions of users here, and nothing " +
      "else: HOST:PORT or unix:/PATH; --admin has them besides",
  },
  inviteUrl: {
    key: "invite_url",
    flag: "invite-url",
    kind: HTTP_URL,
    role: "server",
    usual: "--public-host and the port",
    help: "Address at which users reach --invite, for their links, where a " +
      "proxy is in front",
  },
  inviteCert: {
    key: "invite_cert",
    flag: "invite-cert",
    kind: text("FILE", "file"),
    role: "server",
    help: "Certificate with its chain, PEM: --invite is HTTPS; read again " +
      "within a minute when it is renewed",
  },
  inviteKey: {
    key: "invite_key",
    flag: "invite-key",
    kind: text("FILE", "file"),
    role: "server",
    help: "Private key of --invite-cert, PEM",
  },
  manager: {
    key: "manager",
    flag: "manager",
    kind: ADMIN_ADDRESS,
    role: "server",
    help:
      "Serve the protocol of ss-manager here, to anyone who can send to it: " +
      "HOST:PORT for UDP, or unix:/PATH",
  },
  managerAnywhere: {
    key: "manager_anywhere",
    flag: "manager-anywhere",
    kind: SWITCH,
    default: false,
    role: "server",
    help: "Let --manager be where others than this machine can send to it",
  },
  store: {
    key: "store",
    flag: "store",
    kind: text("FILE", "file"),
    role: "server",
    help: "Keep users made at run time, and every count, in this file",
  },
};

/** The address as it is written on the command line. */
export function formatAdminAddress(address: AdminAddress): string {
  return "path" in address ? `unix:${address.path}` : formatAddress(address);
}

function readAdmin(text: string): AdminAddress | undefined {
  if (!text.startsWith("unix:")) return readEndpoint(text);
  const path = text.slice("unix:".length);
  return path.startsWith("/") ? { path } : undefined;
}
