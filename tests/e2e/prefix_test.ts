/**
 * Salts that begin with a prefix: the first bytes on the wire, and a thousand
 * connections that other servers accept.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { freePort, Program, waitForPort } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { announceSkip } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";
import { command, Target } from "../support/target.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { within } from "../support/within.ts";
import { LIBEV_SKIP, PASSWORD } from "./chain.ts";
import { peerSkip, startPeerServer } from "./peers.ts";

const METHOD = "aes-256-gcm";
const PREFIX = "\x16\x03\x01\x00\xc2\xa8\x01\x01";
const CONNECTIONS = 1_000;
const AT_ONCE = 20;

const rustSkip = peerSkip("shadowsocks-rust");
if (rustSkip) announceSkip(rustSkip);

function link({ host, port }: Address): string {
  return `ss://${METHOD}:${encodeURIComponent(PASSWORD)}@${host}:${port}/` +
    `?prefix=${encodeURIComponent(PREFIX)}`;
}

/** Passes everything on, and keeps the first bytes of each connection. */
async function startTap(
  behind: Address,
): Promise<AsyncDisposable & { readonly address: Address; first: Buffer[] }> {
  const { connect } = await import("node:net");
  const first: Buffer[] = [];
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(behind.port, behind.host);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => {
        near.destroy();
        far.destroy();
      });
      socket.on("close", () => open.delete(socket));
    }
    near.once("data", (bytes: Buffer) => first.push(bytes.subarray(0, 32)));
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) =>
    server.listen({ port: 0, host: "127.0.0.1", backlog: 256 }, resolve)
  );
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error();
  return {
    address: { host: "127.0.0.1", port: address.port },
    first,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Opens many connections through a server, each of which echoes. */
async function openAll(
  runtime: "deno" | "bun",
  server: Address,
): Promise<void> {
  await using target = await Target.start();
  await using tap = await startTap(server);
  const port = await freePort();
  await using _local = await Program.start([
    ...programCommand(runtime),
    ...["local", link(tap.address), "-l", `${port}`],
  ], { ready: /listening on/, cwd: ROOT });
  const open = async (): Promise<void> => {
    using stream = await socksConnect(
      { host: "127.0.0.1", port },
      target.address,
    );
    await stream.write(command("down 3"));
    assert.equal((await stream.readAll()).length, 3);
  };
  for (let i = 0; i < CONNECTIONS; i += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, open));
  }
  assert.equal(tap.first.length, CONNECTIONS);
  const wanted = Buffer.from(PREFIX, "latin1");
  for (const bytes of tap.first) {
    assert.deepEqual(bytes.subarray(0, wanted.length), wanted);
  }
  const salts = new Set(tap.first.map((bytes) => bytes.toString("hex")));
  assert.equal(salts.size, CONNECTIONS);
}

for (const runtime of ["deno", "bun"] as const) {
  test(`${runtime} with a prefix → ss-server, 1,000 connections`, {
    skip: LIBEV_SKIP,
  }, async () => {
    const port = await freePort();
    await using _server = await Program.start([
      ...["ss-server", "-s", "127.0.0.1", "-p", `${port}`],
      ...["-k", PASSWORD, "-m", METHOD],
    ]);
    await waitForPort(port);
    const server = { host: "127.0.0.1", port };
    await within(60_000, "the connections", openAll(runtime, server));
  });

  test(`${runtime} with a prefix → ssserver, 1,000 connections`, {
    skip: rustSkip,
  }, async () => {
    await using server = await startPeerServer("shadowsocks-rust", {
      method: METHOD,
      password: PASSWORD,
    });
    await within(60_000, "the connections", openAll(runtime, server.address));
  });
}
