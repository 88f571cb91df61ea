/**
 * Other implementations of the 2022 edition, as `.ci/peers` installs them, and
 * ours, all started from the same description.
 *
 * @module
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { freePort, Program, waitForPort } from "../support/process.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import type { Address } from "../support/tcp.ts";

/** Who implements an end. */
export type Party = "deno" | "bun" | "shadowsocks-rust" | "sing-box";

/** The other implementations. */
export const PEERS: readonly Party[] = ["shadowsocks-rust", "sing-box"];

/** Where `.ci/peers` puts them. */
const FOLDER = join(
  process.env["UMBRA_PEERS"] ?? join(ROOT, ".cache", "peers"),
  "bin",
);

/** Where a program of theirs is. */
export function peerFile(name: string): string {
  return join(FOLDER, name);
}

/** Why a peer cannot be tested with here; `false` when it can. */
export function peerSkip(party: Party): string | false {
  const files: Partial<Record<Party, string[]>> = {
    "shadowsocks-rust": ["sslocal", "ssserver"],
    "sing-box": ["sing-box"],
  };
  const absent = (files[party] ?? []).filter((file) =>
    !existsSync(join(FOLDER, file))
  );
  return absent.length > 0 &&
    `${absent.join(", ")} not in ${FOLDER}: run .ci/peers`;
}

/** Path of a program of a peer. */
export function peerProgram(name: string): string {
  return join(FOLDER, name);
}

/** A user of a server. */
export interface PeerUser {
  readonly name: string;
  readonly password: string;
}

/** A server of any implementation. */
export interface PeerServer {
  readonly method: string;
  /** Its key; with users, their identity key. */
  readonly password: string;
  readonly users?: readonly PeerUser[];
  /** Keys of a plugin, as the file has them; not for sing-box. */
  readonly plugin?: Readonly<Record<string, string>>;
}

/** An end that runs from a configuration file of its own. */
export class PeerEnd implements AsyncDisposable {
  /** Where it listens. */
  readonly address: Address;
  /** The process. */
  readonly program: Program;
  readonly #folder: string;

  /** Called by {@link startPeerServer} and {@link startPeerLocal}. */
  constructor(address: Address, program: Program, folder: string) {
    this.address = address;
    this.program = program;
    this.#folder = folder;
  }

  /** Ends the process and removes its configuration. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.program.stop(300);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Starts a server. */
export async function startPeerServer(
  party: Party,
  { method, password, users = [], plugin }: PeerServer,
): Promise<PeerEnd> {
  const port = await freePort();
  const config = party === "sing-box"
    ? {
      log: { level: "warn" },
      inbounds: [{
        type: "shadowsocks",
        listen: "127.0.0.1",
        listen_port: port,
        method,
        password,
        ...users.length > 0 && { users },
      }],
      outbounds: [{ type: "direct" }],
    }
    // shadowsocks-rust reads users of this form only.
    : {
      servers: [{
        server: "127.0.0.1",
        server_port: port,
        mode: "tcp_and_udp",
        method,
        password,
        ...users.length > 0 && { users },
        ...plugin,
      }],
    };
  return await startParty(party, "server", port, config);
}

/** Starts sing-box in front of a server: it takes one identity key off. */
export async function startRelay(
  server: Address,
  { method, password }: PeerServer,
  serverPassword: string,
): Promise<PeerEnd> {
  const port = await freePort();
  return await startParty("sing-box", "server", port, {
    log: { level: "warn" },
    inbounds: [{
      type: "shadowsocks",
      listen: "127.0.0.1",
      listen_port: port,
      method,
      password,
      destinations: [{
        name: "next",
        server: server.host,
        server_port: server.port,
        password: serverPassword,
      }],
    }],
  });
}

/**
 * Starts a local.
 *
 * @param password A key, or a chain of them.
 */
export async function startPeerLocal(
  party: Party,
  server: Address,
  { method, password, plugin }: PeerServer,
): Promise<PeerEnd> {
  const port = await freePort();
  const config = party === "sing-box"
    ? {
      log: { level: "warn" },
      inbounds: [{ type: "socks", listen: "127.0.0.1", listen_port: port }],
      outbounds: [{
        type: "shadowsocks",
        server: server.host,
        server_port: server.port,
        method,
        password,
      }],
    }
    : {
      server: server.host,
      server_port: server.port,
      local_address: "127.0.0.1",
      local_port: port,
      mode: "tcp_and_udp",
      method,
      password,
      ...plugin,
    };
  return await startParty(party, "local", port, config);
}

/** Starts a party with a configuration of its own form. */
export async function startParty(
  party: Party,
  role: "local" | "server",
  port: number,
  config: object,
): Promise<PeerEnd> {
  const folder = mkdtempSync(join(tmpdir(), "umbra-peer-"));
  const file = join(folder, "config.json");
  writeFileSync(file, JSON.stringify(config));
  const allow = role === "server" ? ["--allow-private", "all"] : [];
  const commands: Readonly<Record<Party, () => string[]>> = {
    deno: () => [...programCommand("deno"), role, ...allow, "-v", "-c", file],
    bun: () => [...programCommand("bun"), role, ...allow, "-v", "-c", file],
    "shadowsocks-rust": () => [join(FOLDER, `ss${role}`), "-c", file],
    "sing-box": () => [join(FOLDER, "sing-box"), "run", "-c", file],
  };
  const ours = party === "deno" || party === "bun";
  try {
    const program = await Program.start(commands[party](), {
      ...ours && { ready: new RegExp(`listening on \\S*:${port}\\b`) },
      cwd: ROOT,
    });
    if (!ours) await waitForPort(port);
    return new PeerEnd({ host: "127.0.0.1", port }, program, folder);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}
