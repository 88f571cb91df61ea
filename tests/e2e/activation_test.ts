/** Sockets that the service manager has opened: taken on Bun, named on Deno. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  activating,
  ACTIVATION_SKIP as skip,
  activationVariables,
  type OpenedSocket,
} from "../support/activation.ts";
import { seededBytes } from "../support/bytes.ts";
import { freePort, Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { command, Target } from "../support/target.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { SocksUdp, UdpEcho } from "../support/udp.ts";
import { startLocal } from "./chain.ts";

const FLAGS = ["-k", "x", "-m", "aes-256-gcm", "--allow-private", "all"];

const RUNTIMES_SOCKETS = ["--transport", "runtime"];

test("bun takes the socket that is there already", { skip }, async () => {
  const port = await freePort();
  const address = { host: "127.0.0.1", port };
  await using target = await Target.start();
  await using server = await Program.start(
    activated("bun", port, "-s", `127.0.0.1:${port}`),
    { ready: new RegExp(`listening on 127\\.0\\.0\\.1:${port}\\b`) },
  );
  await using local = await startLocal("bun", address, {
    method: "aes-256-gcm",
    password: "x",
  });
  {
    using stream = await socksConnect(local.address, target.address);
    await stream.write(command("down 100000"));
    assert.equal((await stream.readAll()).length, 100_000);
  }
  assert.doesNotMatch(server.output, /no service uses/);
  assert.deepEqual(await server.stop(10_000), { code: 0, signal: null });
});

test("bun names a socket that no service uses", { skip }, async () => {
  const port = await freePort();
  await using server = await Program.start(
    activated("bun", port, "-s", "127.0.0.1:0"),
    { ready: /ss-server listening/ },
  );
  await server.waitForOutput(
    new RegExp(`listens on 127\\.0\\.0\\.1:${port}, but no service uses`),
    5_000,
  );
});

test("deno takes the socket by sockets of our own", { skip }, async () => {
  const port = await freePort();
  await using server = await Program.start(
    activated("deno", port, "-s", `127.0.0.1:${port}`, "--transport", "linux"),
    { ready: /ss-server listening/ },
  );
  assert.doesNotMatch(server.output, /no service/);
});

test("deno says that it takes no socket", { skip }, async () => {
  const port = await freePort();
  const { code, output } = await runToEnd(
    activated("deno", port, "-s", `127.0.0.1:${port}`, ...RUNTIMES_SOCKETS),
    20_000,
  );
  assert.equal(code, 1, output);
  assert.match(
    output,
    /which Deno cannot use; use --transport linux, or remove the \.socket/,
  );
});

for (const runtime of ["deno", "bun"] as const) {
  test(`${runtime} takes the sockets of both networks by sockets of our own`, {
    skip,
  }, async () => {
    const address = { host: "127.0.0.1", port: await freePort() };
    await using target = await Target.start();
    using echo = await UdpEcho.start();
    await using server = await Program.start(
      activatedBoth(runtime, address, "--transport", "linux"),
      { ready: /ss-server listening/ },
    );
    const both = { method: "aes-256-gcm", password: "x", flags: ["-u"] };
    await using local = await startLocal(runtime, address, both);
    {
      using stream = await socksConnect(local.address, target.address);
      await stream.write(command("down 100000"));
      assert.equal((await stream.readAll()).length, 100_000);
    }
    using client = await SocksUdp.start(local.address);
    const payload = seededBytes(700);
    await client.send(payload, { host: "127.0.0.1", port: echo.port });
    const answer = await client.receive();
    assert.deepEqual(new Uint8Array(answer.payload), payload);
    assert.doesNotMatch(server.output, /no service/);
  });

  test(`${runtime} says that it takes no socket of UDP`, { skip }, async () => {
    const address = { host: "127.0.0.1", port: await freePort() };
    const { code, output } = await runToEnd(
      activated(
        runtime,
        [{ network: "udp", ...address }],
        ...["-s", `127.0.0.1:${address.port}`, "-u", ...RUNTIMES_SOCKETS],
      ),
      20_000,
    );
    assert.equal(code, 1, output);
    assert.match(
      output,
      /Cannot bind UDP .*(?:Deno|Bun) cannot use; use --transport linux/,
    );
  });
}

test("threads do not share a socket of UDP", { skip }, async () => {
  const address = { host: "127.0.0.1", port: await freePort() };
  const { code, output } = await runToEnd(
    activatedBoth("bun", address, "--transport", "linux", "--workers", "2"),
    20_000,
  );
  assert.equal(code, 1, output);
  assert.match(output, /one socket, which several threads cannot share/);
});

function activatedBoth(
  runtime: "deno" | "bun",
  { host, port }: Address,
  ...flags: string[]
): string[] {
  const sockets = [
    { network: "udp", host, port },
    { network: "tcp", host, port },
  ] as const;
  return activated(
    runtime,
    sockets,
    ...["-s", `${host}:${port}`, "-u", ...flags],
  );
}

function activated(
  runtime: "deno" | "bun",
  sockets: readonly OpenedSocket[] | number,
  ...flags: string[]
): string[] {
  const opened = typeof sockets !== "number"
    ? sockets
    : [{ network: "tcp", host: "127.0.0.1", port: sockets } as const];
  return [
    ...activating(opened),
    ...programCommand(runtime, activationVariables(opened)),
    ...["server", ...FLAGS, ...flags],
  ];
}
