/**
 * Programs that speak stream ciphers: shadowsocks-libev of the system,
 * shadowsocks-fixed and pproxy of PyPI, shadowsocks-rust built with
 * `stream-cipher`, and the outbound of sing-box, as `.ci/peers` installs them.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { freePort, Program, waitForPort } from "../support/process.ts";
import { ROOT } from "../support/runtimes.ts";
import type { Address } from "../support/tcp.ts";

/** Who is at the other end. */
export type StreamPeer = "libev" | "python" | "pproxy" | "rust" | "sing-box";

/** The methods each of them was seen to speak. */
export const STREAM_PEERS: Readonly<Record<StreamPeer, readonly string[]>> = {
  libev: [
    ...["aes-128-cfb", "aes-192-cfb", "aes-256-cfb"],
    ...["aes-128-ctr", "aes-192-ctr", "aes-256-ctr"],
    ...["camellia-128-cfb", "camellia-192-cfb", "camellia-256-cfb"],
    ...["bf-cfb", "rc4-md5", "salsa20", "chacha20", "chacha20-ietf"],
  ],
  python: [
    ...["aes-256-cfb", "aes-256-ctr", "aes-128-ofb", "aes-192-ofb"],
    ...["aes-256-cfb8", "aes-128-cfb1", "camellia-256-cfb", "bf-cfb"],
    ...["cast5-cfb", "des-cfb", "rc2-cfb", "seed-cfb", "rc4", "rc4-md5"],
    ...["salsa20", "chacha20", "table"],
  ],
  pproxy: ["aes-256-cfb", "aes-256-ctr", "chacha20-ietf", "rc4-md5"],
  rust: [
    ...["aes-128-cfb", "aes-192-cfb", "aes-256-cfb", "aes-128-ctr"],
    ...["aes-256-ctr", "aes-256-cfb8", "aes-128-cfb1", "aes-192-ofb"],
    ...["camellia-128-cfb", "camellia-256-cfb", "rc4", "rc4-md5"],
    ...["chacha20-ietf", "table", "none"],
  ],
  "sing-box": [
    ...["aes-128-cfb", "aes-256-cfb", "aes-192-ctr", "aes-256-ctr"],
    ...["rc4-md5", "chacha20-ietf", "xchacha20", "none"],
  ],
};

/** True if the peer can be a server: the inbound of sing-box has no streams. */
export const isServer = (peer: StreamPeer): boolean => peer !== "sing-box";

/** True if the peer relays datagrams. */
export const relaysUdp = (peer: StreamPeer): boolean => peer !== "pproxy";

/**
 * Which side may end first while the other goes on, through the server or the
 * local of a peer: `application`, then the target still answers; `target`, then
 * it still listens.
 *
 * What is missing here the peers do not do without us either (seen with those
 * that `.ci/peers` installs, through the server and the local of rust): libev,
 * both of Python and the outbound of sing-box end both directions at the first
 * FIN, and the local of rust at the target's.
 */
export const HALF_CLOSES: Readonly<
  Partial<
    Record<
      StreamPeer,
      Readonly<Record<"server" | "local", readonly HalfClose[]>>
    >
  >
> = {
  rust: { server: ["application", "target"], local: ["application"] },
};

/** Who ends first. */
export type HalfClose = "application" | "target";

/** Where `.ci/peers` puts everything. */
const FOLDER = process.env["UMBRA_PEERS"] ?? join(ROOT, ".cache", "peers");

/** Where the packages of PyPI are. */
const PYTHON = join(FOLDER, "python", "bin");

/** Where programs are that were built. */
const BUILT = join(FOLDER, "bin");

/** A program that also makes TUN devices. */
export const SING_BOX: string = join(BUILT, "sing-box");

/** Why a peer cannot be tested with here; `false` when it can. */
export function streamPeerSkip(peer: StreamPeer): string | false {
  if (peer === "rust") return rustSkip();
  if (peer === "sing-box") {
    return !existsSync(SING_BOX) && `no ${SING_BOX}: run .ci/peers`;
  }
  if (peer !== "libev") {
    const file = join(PYTHON, peer === "python" ? "python" : "pproxy");
    return !existsSync(file) && `no ${file}: run .ci/peers`;
  }
  const { status } = spawnSync("ss-server", ["-h"], { stdio: "ignore" });
  return status === null && "shadowsocks-libev is not installed";
}

/** Distributions build it without. */
function rustSkip(): string | false {
  const file = join(BUILT, "ssserver");
  if (!existsSync(file)) return `no ${file}: run .ci/peers`;
  const { stdout } = spawnSync(file, ["--help"], { encoding: "utf8" });
  return !stdout.includes("aes-256-cfb") &&
    `${file} was built without stream-cipher: run .ci/peers`;
}

/** What both ends are given. */
export interface StreamKeys {
  readonly method: string;
  readonly password: string;
}

/** A peer that runs. */
export class StreamPeerEnd implements AsyncDisposable {
  /** Where it listens. */
  readonly address: Address;
  /** The process. */
  readonly program: Program;
  readonly #folder: string;

  private constructor(address: Address, program: Program, folder: string) {
    this.address = address;
    this.program = program;
    this.#folder = folder;
  }

  /** Starts a server, or with `server` a local towards it. */
  static async start(
    peer: StreamPeer,
    { method, password }: StreamKeys,
    server?: Address,
  ): Promise<StreamPeerEnd> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "umbra-stream-peer-"));
    const role = server === undefined ? "server" : "local";
    const at = server ?? { host: "127.0.0.1", port };
    const flags = ["-s", at.host, "-p", `${at.port}`]
      .concat(["-k", password, "-m", method])
      .concat(server ? ["-b", "127.0.0.1", "-l", `${port}`] : []);
    const rust = ["-s", `${at.host}:${at.port}`, "-k", password, "-m", method]
      .concat(server ? ["-b", `127.0.0.1:${port}`] : []);
    const singBox = join(folder, "config.json");
    writeFileSync(
      singBox,
      JSON.stringify({
        log: { level: "warn" },
        inbounds: [{ type: "socks", listen: "127.0.0.1", listen_port: port }],
        outbounds: [{
          type: "shadowsocks",
          server: at.host,
          server_port: at.port,
          method,
          password,
        }],
      }),
    );
    const uri = `ss://${method}:${password}@${at.host}:${at.port}`;
    const commands: Readonly<Record<StreamPeer, readonly string[]>> = {
      libev: [`ss-${role}`, "-u", ...flags],
      python: [
        ...[join(PYTHON, "python"), join(ROOT, "tests/e2e/python_peer.py")],
        ...[role, ...flags],
        ...role === "server" ? ["--forbidden-ip="] : [],
      ],
      pproxy: [
        join(PYTHON, "pproxy"),
        ...server ? ["-l", `socks5://127.0.0.1:${port}`, "-r", uri] : [
          ...["-l", uri],
        ],
      ],
      rust: [join(BUILT, `ss${role}`), "-U", ...rust],
      "sing-box": [SING_BOX, "run", "-c", singBox],
    };
    const config = join(folder, "openssl.cnf");
    writeFileSync(config, LEGACY);
    try {
      const program = await Program.start(commands[peer], {
        env: { ...process.env, OPENSSL_CONF: config },
      });
      await waitForPort(port);
      return new StreamPeerEnd({ host: "127.0.0.1", port }, program, folder);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.program.stop(300);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Python's libcrypto has RC4, Blowfish and the like with this only. */
const LEGACY = `openssl_conf = main
[main]
providers = list
[list]
default = on
legacy = on
[on]
activate = 1
`;
