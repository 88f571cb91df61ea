/**
 * Peers that do what no adapter does: reset on demand, or never answer.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Transport } from "../../src/transport.ts";
import type { Resettable, SilentEndpoint } from "./harness.ts";

/** Dials a node:net server, which can send RST. */
export async function resettablePeer(
  transport: Transport,
): Promise<Resettable> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const [connection, [socket]] = await Promise.all([
    transport.dial({ host: "127.0.0.1", port }),
    once(server, "connection") as Promise<[Socket]>,
  ]);
  socket.on("error", () => {});
  return {
    connection,
    reset: () => socket.resetAndDestroy(),
    async close(): Promise<void> {
      server.close();
      await once(server, "close");
    },
  };
}

/**
 * Starts a process that listens and then stands still, so that the kernel
 * drops what its backlog cannot hold.
 */
export async function silentEndpoint(): Promise<SilentEndpoint> {
  const child = spawn(process.execPath, script("silent_listener.ts"), {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const [line] = await once(child.stdout, "data");
  const port = Number(String(line));
  assert(port > 0, `no port: ${line}`);
  return {
    endpoint: { host: "127.0.0.1", port },
    async close(): Promise<void> {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Arguments that make this runtime run a file of this folder. */
export function script(name: string): string[] {
  const path = fileURLToPath(new URL(name, import.meta.url));
  return "Deno" in globalThis ? ["run", "-A", "--no-check", path] : [path];
}
