/**
 * The files that `umbra init` writes, and the URIs that it prints. This module
 * does no I/O.
 *
 * @module
 */
import { formatServerUri } from "../../codec/uri.ts";
import type { RandomBytes } from "../../random.ts";
import { DEFAULT_LOCAL } from "../commands/defaults.ts";
import { userPassword } from "../config/credentials.ts";
import { generateKey } from "../tools/genkey.ts";
import { hasManyUsers, type InitAnswers } from "./init_answers.ts";

/** Facts for the files that are not answers. */
export interface InitPlace {
  /** Address on which the server listens. */
  readonly listen: string;
  /** Absolute path of the folder. */
  readonly folder: string;
  /** The command that starts this program, with absolute paths. */
  readonly program: readonly string[];
  /** Port of this machine for page, API and `umbra user`. */
  readonly adminPort: number;
  /** User that runs the server, a number or a name; not set for root. */
  readonly user?: number | string | undefined;
  /**
   * Folder of the store under `/var/lib`, which systemd creates for the user;
   * default: the folder of the configuration.
   */
  readonly state?: string | undefined;
}

/** The client file and the link of one user. */
export interface InitUser {
  readonly name: string;
  /** The link for `umbra local` and other clients. Secret. */
  readonly uri: string;
  /** Name of the file for `umbra local -c`, in the folder. */
  readonly file: string;
}

/** The files and users that are made. */
export interface InitResult {
  /** Texts by file name. Secret, except for the unit. */
  readonly files: ReadonlyMap<string, string>;
  /** The users, in the order of the answers. */
  readonly users: readonly InitUser[];
}

/** Name of the server's configuration. */
export const SERVER_FILE = "server.json";

/** Name of the systemd unit. */
export const UNIT_FILE = "umbra.service";

/** File of the store, which keeps users and counts. */
const STORE_FILE = "umbra.db";

/** Makes new keys, and the files that contain them. */
export function initFiles(
  answers: InitAnswers,
  place: InitPlace,
  randomBytes: RandomBytes,
): InitResult {
  const { host, port, method } = answers;
  const newKey = (): string => generateKey(method, randomBytes);
  const serverKey = method.userKind === "identity" ? newKey() : undefined;
  const secrets = answers.users.map((name) => {
    const own = newKey();
    return { name, own, whole: userPassword(method, { serverKey, own }) };
  });
  const files = new Map([
    [SERVER_FILE, serverText(answers, place, serverKey, secrets)],
  ]);
  const users = secrets.map(({ name, whole: password }) => {
    const file = `local-${name}.json`;
    files.set(file, localText(answers, name, password));
    const uri = formatServerUri({
      method: method.name,
      password,
      host,
      port,
      tag: name,
    });
    return { name, uri, file };
  });
  files.set(UNIT_FILE, unitText(place));
  return { files, users };
}

interface UserSecret {
  readonly name: string;
  readonly own: string;
}

function serverText(
  { host, port, method }: InitAnswers,
  { listen, adminPort, state }: InitPlace,
  serverKey: string | undefined,
  users: readonly UserSecret[],
): string {
  const common = serverKey === undefined ? "" : `
  // The server's key. A client's password is SERVER_KEY:USER_KEY.
  "password": ${JSON.stringify(serverKey)},
`;
  const rows = users.map(({ name, own }) =>
    `    ${JSON.stringify({ name, password: own })},\n`
  );
  const secrets = hasManyUsers(method)
    ? `${common}
  // One user for each person or device; \`umbra user add\` adds another.
  // Each may have "quota_bytes", "max_connections" and "expires".
  "users": [
${rows.join("")}  ],
`
    : `  "password": ${JSON.stringify(users[0]!.own)},\n`;
  return `// Configuration of the server, made by \`umbra init\`. Comments are allowed.
{
  // The address of this machine to listen on; "::" is every address.
  "server": ${JSON.stringify(listen)},
  "server_port": ${port},
  // The host for clients, in the URIs of users.
  "public_host": ${JSON.stringify(host)},
  "mode": "tcp_and_udp",
  "method": ${JSON.stringify(method.name)},
${secrets}
  // Clients may reach public addresses only. This allows others:
  // "allow_private": ["10.1.0.0/16"],

  // Page, API and \`umbra user\`, for this machine only.
  "admin": "127.0.0.1:${adminPort}",
  // Keeps users that are changed there, and all counts.
  "store": ${
    JSON.stringify(state === undefined ? STORE_FILE : `${state}/${STORE_FILE}`)
  },
}
`;
}

function localText(
  { host, port, method }: InitAnswers,
  name: string,
  password: string,
): string {
  return `// Configuration of the client of ${name}, made by \`umbra init\`.
{
  "server": ${JSON.stringify(host)},
  "server_port": ${port},
  "mode": "tcp_and_udp",
  "method": ${JSON.stringify(method.name)},
  "password": ${JSON.stringify(password)},
  // Name in the URI that \`umbra url\` prints.
  "remarks": ${JSON.stringify(name)},

  // The address of the proxy for programs: SOCKS and HTTP on one port.
  "local_address": ${JSON.stringify(DEFAULT_LOCAL.host)},
  "local_port": ${DEFAULT_LOCAL.port},
}
`;
}

/**
 * The shell script of the unit. The shell exits at once when systemd stops it,
 * and leaves the server running. A restart therefore starts the new server
 * while the old one still accepts; both share the port. The old server leaves
 * the port after `DRAIN_S`, and its connections have `GRACE_S` to end.
 */
const SHELL_SCRIPT = "trap 'kill -TERM $pid; exit 0' TERM; " +
  "trap 'kill -HUP $pid' HUP; " +
  '"$@" & pid=$!; ' +
  "while :; do wait $pid; code=$?; kill -0 $pid 2>/dev/null || exit $code; done";

/** Seconds that the old server keeps accepting while the new server starts. */
const DRAIN_S = 5;

/**
 * Seconds for connections of the old server to end: an hour, the rest of a
 * film.
 */
const GRACE_S = 3_600;

/**
 * Returns the systemd unit. MemoryDenyWriteExecute is not set: JavaScript
 * compilers need memory that is writable and executable.
 */
function unitText({ program, folder, user, state }: InitPlace): string {
  const command = [
    ...["/bin/sh", "-c", SHELL_SCRIPT, "umbra", ...program],
    ...["server", "-c", `${folder}/${SERVER_FILE}`, "--reuse-port"],
    ...["--drain", String(DRAIN_S), "--grace", String(GRACE_S)],
  ];
  // Root needs CAP_DAC_READ_SEARCH to read files of other users.
  const capabilities = user === undefined
    ? "CAP_NET_BIND_SERVICE CAP_DAC_READ_SEARCH"
    : "CAP_NET_BIND_SERVICE";
  return `[Unit]
Description=Umbra, a Shadowsocks server
Wants=network-online.target
After=network-online.target

[Service]
# A restart closes no connection: the shell exits at once, and the old server
# runs beside the new one until its connections have ended. A stop is the same
# without a new server.
ExecStart=${command.map(quote).join(" ")}
KillMode=process
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=2
# A restart does not repair an invalid configuration.
RestartPreventExitStatus=2
LimitNOFILE=65536
${user === undefined ? "" : `User=${user}\n`}${
    state === undefined
      ? `ReadWritePaths=${readWritePath(folder)}`
      : `StateDirectory=${state.replace(/^\/var\/lib\//, "")}`
  }
AmbientCapabilities=${capabilities}
CapabilityBoundingSet=${capabilities}
LockPersonality=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=read-only
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
UMask=0077

[Install]
WantedBy=multi-user.target
`;
}

/**
 * Returns a word of a list of paths: words are split at spaces, and "%" begins
 * a specifier (systemd.exec(5)).
 */
function readWritePath(folder: string): string {
  return quote(folder).replaceAll("$$", "$");
}

/** Returns one word of ExecStart; see systemd.service(5), "Command lines". */
function quote(word: string): string {
  const escaped = word.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%")
    .replaceAll("$", "$$$$");
  return /^[\w@%+=:,./-]+$/.test(word) ? escaped : `"${escaped}"`;
}
