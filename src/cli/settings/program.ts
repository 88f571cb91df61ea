/**
 * Settings of the running program that belong to none of its servers.
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
  OFF,
  readEndpoint,
  seconds,
  several,
  SWITCH,
  text,
  textAs,
} from "./kinds.ts";
import { type Kind, type Settings, settings } from "./setting.ts";
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
export const RUNNING: Settings<RunningSettings> = settings({}, {
  workers: {
    name: "workers",
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
    help:
      "Number of threads that share the port, `auto` for one per core; Linux only",
  },
  crypto: {
    name: "crypto",
    kind: choice("PROVIDER", CRYPTO_CHOICES),
    default: "auto",
    help:
      "Crypto backend: auto (the fastest that passes the self-test), noble, " +
      "node or openssl",
  },
  transport: {
    name: "transport",
    kind: choice<TransportName>("NAME", ["auto", "runtime", "linux"]),
    default: "auto",
    help: "Sockets: linux (Umbra's own over system calls: faster, many UDP " +
      "datagrams in one call), runtime, or auto (linux where it passes its " +
      "self-test)",
  },
  drainMs: {
    name: "drain",
    kind: seconds(0, "seconds, 0 or more"),
    default: 0,
    help: "Time to continue accepting after SIGINT or SIGTERM, while /readyz " +
      "fails so that a balancer chooses another server",
  },
  graceMs: {
    name: "grace",
    kind: seconds(0, "seconds, 0 or more"),
    default: GRACE_MS,
    help: "Time for open connections to finish after SIGINT or SIGTERM, and " +
      "after --drain",
  },
  reusePort: {
    name: "reuse_port",
    ...OFF,
    help: "Share the ports with another process, to take over from it",
  },
});

export interface LogSettings {
  readonly verbose: boolean;
  readonly logFormat: LogFormat;
  readonly logPrivacy: LogPrivacy;
  readonly logConnections: boolean;
  readonly logWithoutTime: boolean;
}

/** The settings of the log. The default of `logPrivacy` depends on the role. */
export const LOG: Settings<LogSettings> = settings({}, {
  logFormat: {
    name: "log_format",
    kind: choice<LogFormat>("FORMAT", ["text", "json"]),
    default: "text",
    help: "Format of the log on standard error: `text` or `json`",
  },
  logPrivacy: {
    name: "log_privacy",
    kind: choice<LogPrivacy>("LEVEL", ["full", "hashed", "none"]),
    usual: "hashed for a server, full for a local",
    help:
      "Targets in the log: `full`, `hashed` (a word for each host that hides " +
      "its name) or `none`",
  },
  logConnections: {
    name: "log_connections",
    ...OFF,
    help:
      "Log each connection when it ends, in one line with the reason, and " +
      "never replace many lines of one kind by a count",
  },
  logWithoutTime: {
    name: "log_without_time",
    ...OFF,
    help: "Leave the time out of log lines, if journald or a container adds it",
  },
  verbose: {
    name: "verbose",
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
    help: "Verbose: log each connection, show the stack of a defect",
  },
});

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
  expected: "HOST:PORT or unix:/PATH",
  read: readAdmin,
  write: formatAdminAddress,
});

const HOST_NAME: Kind<string> = textAs({
  value: "NAME",
  expected: "a name or an IP address, without a port",
  read(text): string | undefined {
    const { host, port } = readHostAndPort(text) ?? {};
    return port === undefined ? host : undefined;
  },
});

const HTTP_URL: Kind<string> = textAs({
  value: "URL",
  expected: "https://HOST or http://HOST, optionally with a port or a path",
  read(text): string | undefined {
    const url = URL.parse(text);
    const isPlain = url !== null && /^https?:$/.test(url.protocol) &&
      url.username === "" && url.password === "" && url.search === "" &&
      url.hash === "";
    return isPlain ? url.href.replace(/\/+$/, "") : undefined;
  },
});

/** The settings of the operator's port, for both roles. */
export const ADMIN: Settings<
  Pick<
    ControlSettings,
    "admin" | "adminTokenFile" | "adminHosts" | "adminCert" | "adminKey"
  >
> = settings({}, {
  admin: {
    name: "admin",
    kind: ADMIN_ADDRESS,
    help: "Serve metrics, API and dashboard on this address: HOST:PORT or " +
      "unix:/PATH; an address that other hosts can reach needs a token",
  },
  adminTokenFile: {
    name: "admin_token_file",
    kind: text("FILE", "file"),
    help: "File whose only line is the token for --admin",
  },
  adminHosts: {
    name: "admin_host",
    kind: several(HOST_NAME),
    help: "Host name that requests to --admin may use, besides its address; " +
      "needed behind a proxy",
  },
  adminCert: {
    name: "admin_cert",
    kind: text("FILE", "file"),
    help:
      "Certificate with its chain, PEM, for HTTPS on --admin; a renewed file " +
      "is read within a minute",
  },
  adminKey: {
    name: "admin_key",
    kind: text("FILE", "file"),
    help: "Private key of --admin-cert, PEM",
  },
});

/** The settings of the operator of a server. */
export const CONTROL: Settings<Omit<ControlSettings, keyof typeof ADMIN>> =
  settings({ role: "server" }, {
    publicHost: {
      name: "public_host",
      kind: HOST_NAME,
      help:
        "Name or address under which clients reach the server, for the URIs of " +
        "users",
    },
    invite: {
      name: "invite",
      kind: ADMIN_ADDRESS,
      help: "Serve only the invitations and subscriptions of users on this " +
        "address: HOST:PORT or unix:/PATH; --admin serves them as well",
    },
    inviteUrl: {
      name: "invite_url",
      kind: HTTP_URL,
      usual: "--public-host and the port",
      help:
        "Address under which users reach --invite, for their links, if there is " +
        "a proxy in front",
    },
    inviteCert: {
      name: "invite_cert",
      kind: text("FILE", "file"),
      help:
        "Certificate with its chain, PEM, for HTTPS on --invite; a renewed file " +
        "is read within a minute",
    },
    inviteKey: {
      name: "invite_key",
      kind: text("FILE", "file"),
      help: "Private key of --invite-cert, PEM",
    },
    manager: {
      name: "manager",
      kind: ADMIN_ADDRESS,
      help: "Serve the protocol of ss-manager on this address, without a " +
        "password: HOST:PORT for UDP, or unix:/PATH",
    },
    managerAnywhere: {
      name: "manager_anywhere",
      kind: SWITCH,
      default: false,
      help: "Allow --manager on an address that other machines can reach",
    },
    store: {
      name: "store",
      kind: text("FILE", "file"),
      help: "File that keeps users made at run time and all counts",
    },
  });

/** Returns the address as on the command line. */
export function formatAdminAddress(address: AdminAddress): string {
  return "path" in address ? `unix:${address.path}` : formatAddress(address);
}

function readAdmin(text: string): AdminAddress | undefined {
  if (!text.startsWith("unix:")) return readEndpoint(text);
  const path = text.slice("unix:".length);
  return path.startsWith("/") ? { path } : undefined;
}
