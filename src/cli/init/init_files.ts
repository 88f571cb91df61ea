/**
 * The texts that `umbra init` writes, and the URIs it prints. No I/O.
 *
 * @module
 */
import { formatServerUri } from "../../codec/uri.ts";
import type { RandomBytes } from "../../random.ts";
import { DEFAULT_LOCAL } from "../commands/defaults.ts";
import { userPassword } from "../config/credentials.ts";
import { generateKey } from "../tools/genkey.ts";
import { hasManyUsers, type InitAnswers } from "./init_answers.ts";

/** The rest of what the files need, besides the answers. */
export interface InitPlace {
  /** Address on which the server listens. */
  readonly listen: string;
  /** Absolute path of the folder. */
  readonly folder: string;
  /** The words that start this program; absolute paths. */
  readonly program: readonly string[];
  /** Port of this machine for page, API and `umbra user`. */
  readonly adminPort: number;
  /** The user that runs the server, a number or a name; not set: root. */
  readonly user?: number | string | undefined;
  /**
   * Folder of the store, which systemd makes for the user, under `/var/lib`; not
   * set: the folder of the configuration.
   */
  readonly state?: string | undefined;
}

/** The files and the link of one user. */
export interface InitUser {
  readonly name: string;
  /** The link for `umbra local` and other clients. Secret. */
  readonly uri: string;
  /** The file for `umbra local -c`, in the folder. */
  readonly file: string;
}

/** Everything that is made. */
export interface InitResult {
  /** Text by name. Secret but for the unit. */
  readonly files: ReadonlyMap<string, string>;
  /** The users, in the order of the answers. */
  readonly users: readonly InitUser[];
}

/** Name of the server's configuration. */
export const SERVER_FILE = "server.json";

/** Name of the systemd unit. */
export const UNIT_FILE = "umbra.service";

/** Of users and counts. */
const STORE_FILE = "umbra.db";

/** Makes fresh keys, and all that holds them. */
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
  // The server's key; each client has it before its own: SERVER_KEY:USER_KEY.
  "password": ${JSON.stringify(serverKey)},
`;
  const rows = users.map(({ name, own }) =>
    `    ${JSON.stringify({ name, password: own })},\n`
  );
  const secrets = hasManyUsers(method)
    ? `${common}
  // One for each person or device; \`umbra user add\` makes another one. Each
  // may have "quota_bytes", "max_connections" and "expires".
  "users": [
${rows.join("")}  ],
`
    : `  "password": ${JSON.stringify(users[0]!.own)},\n`;
  return `// The server's side, made by \`umbra init\`. Comments are allowed.
{
  // The address of this machine to listen on; "::" is all of them.
  "server": ${JSON.stringify(listen)},
  "server_port": ${port},
  // Where clients reach it, for the URIs that users are given.
  "public_host": ${JSON.stringify(host)},
  "mode": "tcp_and_udp",
  "method": ${JSON.stringify(method.name)},
${secrets}
  // Clients reach public addresses only. This opens others to them:
  // "allow_private": ["10.1.0.0/16"],

  // Page, API and \`umbra user\`, for this machine alone.
  "admin": "127.0.0.1:${adminPort}",
  // Keeps what is changed there, and all counts.
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
  return `// The client's side of ${name}, made by \`umbra init\`.
{
  "server": ${JSON.stringify(host)},
  "server_port": ${port},
  "mode": "tcp_and_udp",
  "method": ${JSON.stringify(method.name)},
  "password": ${JSON.stringify(password)},
  // Name in the URI that \`umbra url\` prints.
  "remarks": ${JSON.stringify(name)},

  // Where programs find the proxy: SOCKS and HTTP on one port.
  "local_address": ${JSON.stringify(DEFAULT_LOCAL.host)},
  "local_port": ${DEFAULT_LOCAL.port},
}
`;
}

/**
 * What the unit runs: a shell that ends at once when systemd stops it, and
 * leaves the server to what it is doing. So a restart starts the new server
 * while the old one still accepts; both share the port, the old one leaves it
 * after `DRAIN_S`, and its connections have `GRACE_S` to end.
 */
const SHELL_SCRIPT = "trap 'kill -TERM $pid; exit 0' TERM; " +
  "trap 'kill -HUP $pid' HUP; " +
  '"$@" & pid=$!; ' +
  "while :; do wait $pid; code=$?; kill -0 $pid 2>/dev/null || exit $code; done";

/** Seconds for the new server to start in. */
const DRAIN_S = 5;

/** Seconds for what the old server is doing: an hour, a film's remainder. */
const GRACE_S = 3_600;

/**
 * The compilers of JavaScript need memory that is writable and executable, so
 * MemoryDenyWriteExecute is not there.
 */
function unitText({ program, folder, user, state }: InitPlace): string {
  const command = [
    ...["/bin/sh", "-c", SHELL_SCRIPT, "umbra", ...program],
    ...["server", "-c", `${folder}/${SERVER_FILE}`, "--reuse-port"],
    ...["--drain", String(DRAIN_S), "--grace", String(GRACE_S)],
  ];
  // Root without capabilities could not read what others own.
  const capabilities = user === undefined
    ? "CAP_NET_BIND_SERVICE CAP_DAC_READ_SEARCH"
    : "CAP_NET_BIND_SERVICE";
  return `[Unit]
Description=Umbra, a Shadowsocks server
Wants=network-online.target
After=network-online.target

[Service]
# A restart cuts no client off: the shell ends at once, and what it has started goes on
# until its connections have ended, beside the new one. A stop is the same
# without a new one.
ExecStart=${command.map(quote).join(" ")}
KillMode=process
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=2
# A wrong configuration stays wrong.
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

/** systemd.exec(5): words are split at spaces, "%" begins a specifier. */
function readWritePath(folder: string): string {
  return quote(folder).replaceAll("$$", "$");
}

/** One word of ExecStart: systemd.service(5), "Command lines". */
function quote(word: string): string {
  const escaped = word.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%")
    .replaceAll("$", "$$$$");
  return /^[\w@%+=:,./-]+$/.test(word) ? escaped : `"${escaped}"`;
}
