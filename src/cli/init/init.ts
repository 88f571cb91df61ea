/**
 * `umbra init`: makes a server and its clients from four answers.
 *
 * @module
 */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { systemTransport } from "../../adapters/net/system.ts";
import { parseIp } from "../../codec/ip_address.ts";
import { ConfigError, type ErrorCode } from "../../errors.ts";
import { systemRandomBytes } from "../../random.ts";
import { publicTarget } from "../../security/target_policy.ts";
import type { Arguments } from "../options/args.ts";
import { DEFAULT_LOCAL, DEFAULT_SERVER_HOST } from "../commands/defaults.ts";
import { type FileAccess, fileFailure } from "../file_failure.ts";
import { guessHost } from "../tools/guess_host.ts";
import {
  type Ask,
  hasManyUsers,
  type InitAnswers,
  initAnswers,
} from "./init_answers.ts";
import {
  initFiles,
  type InitResult,
  SERVER_FILE,
  UNIT_FILE,
} from "./init_files.ts";
import {
  checkInstall,
  hasSystemd,
  install,
  INSTALLED_STATE,
  INSTALLED_USER,
  installedProgram,
} from "./install.ts";
import { complain, print } from "../output.ts";
import { qrLines } from "../tools/qr_terminal.ts";
import { selfCommand } from "../tools/self_command.ts";
import { tryToListen } from "../tools/try_to_listen.ts";
import { usage } from "../options/getopt.ts";

/**
 * The suggested ports; they are below the ports that systems give to outgoing
 * connections.
 */
const SUGGESTED_PORTS = { from: 10_000, to: 32_767 };

/**
 * The ports for page and API. 9090 is the port that Prometheus scrapes by
 * default.
 */
const ADMIN_PORTS = { from: 9_090, to: 9_099 };

/**
 * The number of ports that are tested; the next port is suggested without a
 * test.
 */
const MAX_PORT_TRIES = 20;

/** Runs `umbra init`. */
export async function runInit(args: Arguments): Promise<void> {
  const installs = args.has("install");
  if (installs) checkInstall();
  const folder = resolve(args.last("dir") ?? defaultFolder());
  checkFolder(folder, args.has("force"));
  const answers = await askFor(args);
  const { listen, warning } = await listenAddress(answers);
  const adminPort = await freeAdminPort();
  const own = selfCommand();
  const program = installs ? installedProgram(own) : own;
  const uid = process.getuid?.();
  const result = initFiles(
    answers,
    {
      ...{ listen, folder, program, adminPort },
      ...installs
        ? { user: INSTALLED_USER, state: INSTALLED_STATE }
        : { user: uid === 0 ? undefined : uid },
    },
    systemRandomBytes,
  );
  writeAll(folder, result.files, args.has("force"));
  if (installs) install(folder, own);
  const drawing = args.has("qr") || process.stdout.isTTY === true;
  await print(
    report(answers, result, {
      ...{ folder, program, adminPort, drawing, installs },
    }),
  );
  const reach = parseIp(answers.host) && publicTarget(answers.host);
  if (warning !== undefined) complain(`umbra: ${warning}\n`);
  if (reach === undefined) return;
  complain(
    `umbra: ${answers.host} is reachable only from this machine or network ` +
      `(${reach}); if clients are elsewhere, give the public address: ` +
      "--host\n",
  );
}

/** Asks at the terminal, or takes the options if there is no terminal. */
async function askFor(args: Arguments): Promise<InitAnswers> {
  const suggested = { host: guessHost(), port: await suggestedPort() };
  if (process.stdin.isTTY !== true) {
    return await initAnswers(args, suggested, undefined);
  }
  const terminal = createInterface({
    input: process.stdin,
    output: process.stderr,
  });
  // Pasted lines that arrive before their question wait here.
  const lines = terminal[Symbol.asyncIterator]();
  const ask: Ask = async (question, suggestion) => {
    terminal.setPrompt(`${question} [${suggestion}]: `);
    terminal.prompt();
    const line = await lines.next();
    if (!line.done) return line.value.trim() || suggestion;
    throw usage("No answer; nothing was written");
  };
  try {
    return await initAnswers(args, suggested, ask);
  } finally {
    terminal.close();
  }
}

async function suggestedPort(): Promise<number> {
  const { from, to } = SUGGESTED_PORTS;
  for (let tries = 0;; tries++) {
    const port = from + Math.floor(Math.random() * (to - from + 1));
    const failure = await tryTcp("0.0.0.0", port);
    if (failure === undefined || tries === MAX_PORT_TRIES) return port;
  }
}

/** Returns the first free port of the range, or the first port. */
async function freeAdminPort(): Promise<number> {
  const { from, to } = ADMIN_PORTS;
  for (let port = from; port <= to; port++) {
    const failure = await tryTcp("127.0.0.1", port);
    if (failure === undefined) return port;
  }
  return from;
}

/**
 * Returns the address on which the server listens: every address, or loopback
 * if clients connect to a loopback address.
 */
async function listenAddress(
  { host, port }: InitAnswers,
): Promise<{ listen: string; warning?: string }> {
  if (isLoopback(host)) return { listen: host };
  const failure = await tryTcp("::", port);
  switch (failure) {
    case undefined:
    case "ERR_NET_PERMISSION":
      return { listen: "::" };
    case "ERR_NET_ADDRESS_IN_USE":
      return {
        listen: "::",
        warning:
          `port ${port} is in use on this machine; if the server will run ` +
          "here, choose another port: --port",
      };
    default:
      // No IPv6.
      return { listen: DEFAULT_SERVER_HOST };
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || publicTarget(host) === "loopback";
}

/**
 * Returns the default folder. It is not `umbra`, which may be the name of this
 * program.
 */
/** @returns Why the server could not listen there; `undefined` if it could. */
function tryTcp(host: string, port: number): Promise<ErrorCode | undefined> {
  return tryToListen({ host, port }, "tcp", systemTransport());
}

function defaultFolder(): string {
  return process.getuid?.() === 0 ? "/etc/umbra" : "umbra-server";
}

/**
 * Checks that files can be created there, before any question is asked.
 *
 * @throws {ConfigError} `ERR_CONFIG_FILE`.
 */
function checkFolder(folder: string, force: boolean): void {
  const isThere = within(folder, "write", () => {
    let existing = folder;
    while (!existsSync(existing)) existing = dirname(existing);
    if (!statSync(existing).isDirectory()) {
      throw Object.assign(new Error(`${existing} is a file`), NOT_A_FOLDER);
    }
    accessSync(existing, constants.W_OK | constants.X_OK);
    return existsSync(join(folder, SERVER_FILE));
  });
  if (isThere && !force) throw taken(join(folder, SERVER_FILE));
}

/** The code of the file system's error for a file in the place of a folder. */
const NOT_A_FOLDER = { code: "ENOTDIR" };

function taken(path: string): ConfigError {
  return new ConfigError(
    "ERR_CONFIG_FILE",
    `${path} exists; nothing was written: give --dir DIR for another ` +
      "folder, or --force to overwrite",
  );
}

/**
 * Writes all files, or none if one exists already.
 *
 * @throws {ConfigError} `ERR_CONFIG_FILE`.
 */
function writeAll(
  folder: string,
  files: ReadonlyMap<string, string>,
  force: boolean,
): void {
  const [first] = within(
    folder,
    "read",
    () => [...files.keys()].filter((name) => existsSync(join(folder, name))),
  );
  if (first !== undefined && !force) throw taken(join(folder, first));
  within(folder, "write", () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const [name, text] of files) {
      const path = join(folder, name);
      // An existing file would keep its permissions.
      rmSync(path, { force: true });
      const mode = name === UNIT_FILE ? 0o644 : 0o600;
      writeFileSync(path, text, { mode, flag: "wx" });
    }
  });
}

function within<T>(folder: string, access: FileAccess, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new ConfigError(
      "ERR_CONFIG_FILE",
      `Cannot create files in ${folder}: ${fileFailure(error, access)}; ` +
        "give --dir DIR for another folder",
      { cause: error },
    );
  }
}

/** The options of the report. */
interface ReportOptions {
  readonly folder: string;
  readonly program: readonly string[];
  /** Port of this machine for the page and the API. */
  readonly adminPort: number;
  /** True if the report has QR codes. */
  readonly drawing: boolean;
  /** True if the server was installed on this machine. */
  readonly installs: boolean;
}

function report(
  { host: reached, port, method }: InitAnswers,
  { files, users }: InitResult,
  { folder, program, adminPort, drawing, installs }: ReportOptions,
): string {
  const path = (name: string): string => shellQuote(join(folder, name));
  const run = program.map(shellQuote).join(" ");
  const first = path(users[0]!.file);
  const uris = users.map(({ name, uri }) =>
    `${name}\n  ${uri}\n${drawing ? qrLines(uri) : ""}\n`
  );
  const { host, port: localPort } = DEFAULT_LOCAL;
  return `Created with new keys in ${folder}:
${[...files.keys()].map((name) => `  ${name}\n`).join("")}
All files except ${UNIT_FILE} are secret. A user's app needs only the URI:

${uris.join("")}${
    installs
      ? installedText(port)
      : `Next steps: start the server here, start a client, fetch a page through both:

  ${run} server -c ${path(SERVER_FILE)}
  ${run} local -c ${first}
  curl -x socks5h://${host}:${localPort} https://example.com/

To keep the server running, let port ${port} through the firewall, TCP and
UDP, and:

  sudo cp ${path(UNIT_FILE)} /etc/systemd/system/
  sudo systemctl enable --now ${UNIT_FILE}
`
  }${
    hasManyUsers(method)
      ? `
To add another user:

  ${run} user add NAME -c ${path(SERVER_FILE)}
`
      : ""
  }
The dashboard shows and changes users; only this machine can reach it. To open it
on yours, run this on yours and open http://127.0.0.1:${adminPort}/ in a browser:

  ssh -L ${adminPort}:127.0.0.1:${adminPort} ${shellQuote(reached)}
`;
}

function installedText(port: number): string {
  const runs = hasSystemd()
    ? "The server runs, and starts with this machine."
    : "systemd does not run here; the server starts when systemd does.";
  return `Installed: the unit ${UNIT_FILE}, which runs as the user ${INSTALLED_USER}, and keeps
users and counts in ${INSTALLED_STATE}. ${runs}
Let port ${port} through the firewall, TCP and UDP.

  systemctl restart ${UNIT_FILE}    a new program or setting; no client is cut off
  systemctl reload ${UNIT_FILE}     a new configuration
  journalctl -u ${UNIT_FILE}        its log
`;
}

function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word)
    ? word
    : `'${word.replaceAll("'", "'\\''")}'`;
}
