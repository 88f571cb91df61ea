/**
 * `-i`: what a target and a server see as the address of who comes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { Program } from "../support/process.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import { SocksUdp, UdpSocket } from "../support/udp.ts";
import { within } from "../support/within.ts";
import { Chain } from "./chain.ts";

const skip = process.platform !== "linux" &&
  "127.0.0.0/8 is one address here";

test("on Bun, TCP and UDP leave from the address of -i", { skip }, async () => {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  using target = await UdpSocket.bind();
  try {
    await using chain = await Chain.start({ local: "bun", server: "bun" }, {
      flags: ["-u", "-v"],
      serverFlags: ["-i", "127.0.0.5"],
      localFlags: ["-i", "127.0.0.6"],
    });
    const coming = once(listener, "connection") as Promise<[Socket]>;
    const stream = await chain.connect({ host: "127.0.0.1", port });
    await stream.write(Buffer.from("x"));
    const [socket] = await coming;
    assert.equal(socket.remoteAddress, "127.0.0.5", chain.describe());
    socket.destroy();
    stream.close();
    using client = await SocksUdp.start(chain.local.address);
    await client.send(Buffer.from("ask"), target.address);
    const { from } = await target.receive();
    assert.equal(from.host, "127.0.0.5");
    await target.send(Buffer.from("answer"), from);
    assert.equal(`${Buffer.from((await client.receive()).payload)}`, "answer");
    await chain.server.program.waitForOutput(/client=127\.0\.0\.6/, 5_000);
  } finally {
    listener.close();
  }
});

for (const runtime of ["deno", "bun"] as const) {
  const dialsFrom = runtime === "bun";
  test(`-i on ${runtime}, TCP: ${dialsFrom ? "served" : "refused, and why"}`, async () => {
    await using program = await start(
      runtime,
      ...["-i", "127.0.0.1", "--transport", "runtime"],
    );
    if (dialsFrom) {
      await program.waitForOutput(/ss-server listening/, 20_000);
      return;
    }
    assert.deepEqual(
      await within(20_000, () => program.describe(), program.exited),
      { code: 2, signal: null },
    );
    assert.match(
      program.output,
      /deno transport cannot choose the source address.*on Bun/,
    );
  });

  test(`-i on ${runtime}, TCP, sockets of our own: served`, {
    skip: process.platform !== "linux" && "needs Linux",
  }, async () => {
    await using program = await start(
      runtime,
      ...["-i", "127.0.0.1", "--transport", "linux"],
    );
    await program.waitForOutput(/ss-server listening/, 20_000);
  });

  test(`-i on ${runtime}, UDP alone: served`, async () => {
    await using program = await start(runtime, "-U", "-i", "127.0.0.1");
    await program.waitForOutput(/ss-server listening.*UDP only/, 20_000);
  });

  test(`-i on ${runtime}: an address of another host ends the start`, async () => {
    await using program = await start(runtime, "-U", "-i", "192.0.2.9");
    assert.deepEqual(
      await within(20_000, () => program.describe(), program.exited),
      { code: 2, signal: null },
    );
    assert.match(
      program.output,
      /192\.0\.2\.9: this host does not have the address/,
    );
  });
}

function start(
  runtime: "deno" | "bun",
  ...flags: readonly string[]
): Promise<Program> {
  return Program.start([
    ...[...programCommand(runtime), "server", "-s", "127.0.0.1", "-p", "0"],
    ...["-k", "password", ...flags],
  ], { cwd: ROOT });
}
