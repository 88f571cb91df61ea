/**
 * What the end-to-end tests start: a server and a local, each of them ours on
 * Deno, ours on Bun, ours as a built executable, or shadowsocks-libev.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { freePort, Program, waitForPort } from "../support/process.ts";
import { announceSkip } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand, transportFlags } from "../support/program_command.ts";
import { type Address, socksConnect, type TcpStream } from "../support/tcp.ts";

/** Who implements an end of the chain. */
export type Implementation = "deno" | "bun" | "libev";

/** All of them, for {@link PAIRINGS}. */
export const IMPLEMENTATIONS: readonly Implementation[] = [
  "deno",
  "bun",
  "libev",
];

/** Our two, for what only concerns us. */
export const OURS: readonly ("deno" | "bun")[] = ["deno", "bun"];

/** A local and a server that are to work together. */
export interface Pairing {
  readonly local: Implementation;
  readonly server: Implementation;
  /** For test names: `deno → libev`. */
  readonly name: string;
  /** Why it cannot be tested here, for the test's `skip` option. */
  readonly skip: string | false;
}

/** Methods that shadowsocks-libev and we have in common. */
export const METHODS: readonly string[] = [
  "aes-128-gcm",
  "aes-192-gcm",
  "aes-256-gcm",
  "chacha20-ietf-poly1305",
  "xchacha20-ietf-poly1305",
];

/** The method where the method does not matter; pure code is fastest at it. */
export const METHOD = "chacha20-ietf-poly1305";

/** Password of every chain, unless a test is about passwords. */
export const PASSWORD = "correct horse battery staple";

/** Why libev is not there, if so. */
export const LIBEV_SKIP: string | false = missing(
  ["ss-local", "ss-server"],
  "shadowsocks-libev",
);

/** Why curl is not there, if so. */
export const CURL_SKIP: string | false = missing(["curl"], "curl");

for (const skip of [LIBEV_SKIP, CURL_SKIP]) if (skip) announceSkip(skip);

/** Every local with every server. */
export const PAIRINGS: readonly Pairing[] = IMPLEMENTATIONS.flatMap((local) =>
  IMPLEMENTATIONS.map((server) => pairing(local, server))
);

/** The pairings in which both ends are ours. */
export const OUR_PAIRINGS: readonly Pairing[] = PAIRINGS.filter((
  { local, server },
) => local !== "libev" && server !== "libev");

/** How an end of the chain is to run. */
export interface EndOptions {
  readonly method?: string;
  readonly password?: string;
  /** IP address to listen on; 127.0.0.1 by default. */
  readonly host?: string;
  /** Port to listen on; a free one by default. */
  readonly port?: number;
  /** Further flags. */
  readonly flags?: readonly string[];
  /** Words before the command: `prlimit --nofile=64`, say. */
  readonly under?: readonly string[];
  /** For a built executable: where it is. Its environment is then empty. */
  readonly dist?: string;
}

/** How both ends of a chain are to run, and what differs. */
export interface ChainOptions extends EndOptions {
  /** Further flags of the local. */
  readonly localFlags?: readonly string[];
  /** Further flags of the server. */
  readonly serverFlags?: readonly string[];
  /** Words before the server's command. */
  readonly serverUnder?: readonly string[];
}

/** How long an end gets to stop by itself after a test. */
const STOP_MS = 300;

/** A running server or local. */
export class End implements AsyncDisposable {
  /** Where it listens. */
  readonly address: Address;
  /** The process. */
  readonly program: Program;

  /** @param address Where it listens. @param program The process. */
  constructor(address: Address, program: Program) {
    this.address = address;
    this.program = program;
  }

  /** Ends the process, whatever it is doing. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.program.stop(STOP_MS);
  }
}

/** A local connected to a server. */
export class Chain implements AsyncDisposable {
  /** The end that speaks SOCKS5. */
  readonly local: End;
  /** The end that dials targets. */
  readonly server: End;

  private constructor(local: End, server: End) {
    this.local = local;
    this.server = server;
  }

  /** Starts both. */
  static async start(
    { local, server }: Pick<Pairing, "local" | "server">,
    { localFlags = [], serverFlags = [], serverUnder = [], ...options }:
      ChainOptions = {},
  ): Promise<Chain> {
    const serverEnd = await startServer(server, {
      ...options,
      flags: [...options.flags ?? [], ...serverFlags],
      under: serverUnder,
    });
    try {
      const localEnd = await startLocal(local, serverEnd.address, {
        ...options,
        flags: [...options.flags ?? [], ...localFlags],
      });
      return new Chain(localEnd, serverEnd);
    } catch (error) {
      await serverEnd[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Connects to a target through both. */
  connect(target: Address): Promise<TcpStream> {
    return socksConnect(this.local.address, target);
  }

  /** What both printed, for a failure message. */
  describe(): string {
    return `${this.local.program.describe()}\n${this.server.program.describe()}`;
  }

  /** Ends both. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([
      this.local[Symbol.asyncDispose](),
      this.server[Symbol.asyncDispose](),
    ]);
  }
}

/** Starts a server. */
export async function startServer(
  implementation: Implementation,
  options: EndOptions = {},
): Promise<End> {
  const address = await listenAddress(options);
  const flags = ["-s", address.host, "-p", `${address.port}`];
  // The targets are on loopback, which the server does not permit by default.
  // With a legacy method they must be named.
  const isLegacy = options.flags?.includes("--allow-legacy");
  if (implementation !== "libev") {
    flags.push("--allow-private", isLegacy ? "127.0.0.0/8" : "all");
  }
  return await start(implementation, "server", address, flags, options);
}

/** Starts a local for a server. */
export async function startLocal(
  implementation: Implementation,
  server: Address,
  options: EndOptions = {},
): Promise<End> {
  const address = await listenAddress(options);
  const flags = ["-s", server.host, "-p", `${server.port}`];
  flags.push("-b", address.host, "-l", `${address.port}`);
  return await start(implementation, "local", address, flags, options);
}

async function start(
  implementation: Implementation,
  role: "local" | "server",
  address: Address,
  flags: readonly string[],
  options: EndOptions,
): Promise<End> {
  const { method = METHOD, password = PASSWORD, dist } = options;
  const program = implementation === "libev"
    ? [`ss-${role}`]
    : dist !== undefined
    ? [join(dist, `ss-${role}`)]
    : [...programCommand(implementation), role];
  const command = [
    ...options.under ?? [],
    ...program,
    ...implementation === "libev" ? [] : transportFlags(implementation),
    ...flags,
    "-k",
    password,
    "-m",
    method,
    ...options.flags ?? [],
  ];
  if (implementation === "libev") {
    const started = await Program.start(command);
    await waitForPort(address.port);
    return new End(address, started);
  }
  const ready = new RegExp(`listening on \\S*:${address.port}\\b`);
  return new End(
    address,
    await Program.start(command, {
      ready,
      cwd: ROOT,
      ...dist !== undefined && { env: {} },
    }),
  );
}

async function listenAddress(options: EndOptions): Promise<Address> {
  const { host = "127.0.0.1", port = await freePort() } = options;
  return { host, port };
}

function pairing(local: Implementation, server: Implementation): Pairing {
  const needsLibev = local === "libev" || server === "libev";
  return {
    local,
    server,
    name: `${local} → ${server}`,
    skip: needsLibev && LIBEV_SKIP,
  };
}

/** @returns Why tests must be skipped; `false` when the programs are there. */
function missing(programs: string[], aptPackage: string): string | false {
  const absent = programs.filter((program) =>
    spawnSync(program, ["-h"], { stdio: "ignore", timeout: 10_000 }).error
  );
  return absent.length > 0 &&
    `${absent.join(", ")} not found: apt-get install -y ${aptPackage}`;
}
