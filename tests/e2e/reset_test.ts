/**
 * What was cut does not look whole: a reset of the target or of the
 * application, and a server that is killed, reach the other end as a reset,
 * wherever ours can reset.
 *
 * @module
 */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { command, MIB, Target } from "../support/target.ts";
import { socksConnect, TcpStream } from "../support/tcp.ts";
import { until, within } from "../support/within.ts";
import { Chain, type ChainOptions, type Implementation } from "./chain.ts";

/** A runtime and its transport. The sockets of Deno cannot reset. */
const SYSTEMS: readonly [Implementation, string][] = [
  ["bun", "runtime"],
  ["bun", "linux"],
  ["deno", "linux"],
];

const CONNECTORS: Readonly<Record<string, typeof socksConnect>> = {
  SOCKS5: socksConnect,
  CONNECT: httpConnect,
};

for (const [implementation, transport] of SYSTEMS) {
  const name = `${implementation} with --transport ${transport}`;
  const skip = transport === "linux" && process.platform !== "linux"
    ? "needs Linux"
    : false;
  const options: ChainOptions = { flags: ["--transport", transport] };
  const ours = { local: implementation, server: implementation };

  for (const [protocol, connect] of Object.entries(CONNECTORS)) {
    test(
      `${name}: an application of ${protocol} sees a reset, when the target resets`,
      { skip },
      async () => {
        await using target = await Target.start();
        await using chain = await Chain.start(ours, options);
        using stream = await connect(chain.local.address, target.address);
        await stream.write(command(`cut ${MIB}`));
        assert.equal((await stream.readExactly(MIB)).length, MIB);
        await stream.write(command("now"));
        await assert.rejects(stream.read(), /ECONNRESET/, chain.describe());
      },
    );

    test(
      `${name}: a target sees a reset, when the application of ${protocol} resets`,
      { skip },
      async () => {
        await using target = await Target.start();
        await using chain = await Chain.start(ours, options);
        using stream = await connect(chain.local.address, target.address);
        await stream.write(command("echo"));
        await stream.write(command("hello"));
        assert.equal((await stream.readExactly(6)).length, 6);
        stream.reset();
        await until(10_000, "the reset", () => target.resets === 1);
      },
    );
  }

  test(
    `${name}: an application sees a reset, when the server is killed in mid-download`,
    { skip },
    async () => {
      await using target = await Target.start();
      await using chain = await Chain.start(ours, options);
      using stream = await chain.connect(target.address);
      await stream.write(command(`down ${256 * MIB}`));
      await stream.readExactly(4 * MIB);
      // As long as nothing is read, the server has written a part of a chunk.
      await stalled(target);
      chain.server.program.signal("SIGKILL");
      await assert.rejects(
        within(20_000, "the end", stream.readAll()),
        /ECONNRESET/,
        chain.describe(),
      );
    },
  );

  if (transport !== "linux") continue;
  test(
    `${name}: an application sees a reset, when the server is killed between two chunks`,
    { skip },
    async () => {
      await using target = await Target.start();
      await using chain = await Chain.start(ours, options);
      using stream = await chain.connect(target.address);
      await stream.write(command("cut 5"));
      await stream.readExactly(5);
      chain.server.program.signal("SIGKILL");
      await assert.rejects(stream.read(), /ECONNRESET/, chain.describe());
    },
  );
}

/** Waits until the target gets rid of nothing more. */
async function stalled(target: Target): Promise<void> {
  let sent = -1;
  await until(20_000, "the download to stall", async () => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = sent;
    sent = target.sent;
    return before === sent;
  });
}

/** Connects through an HTTP proxy. */
async function httpConnect(
  proxy: { host: string; port: number },
  { host, port }: { host: string; port: number },
): Promise<TcpStream> {
  const stream = await TcpStream.connect(proxy);
  await stream.write(command(`CONNECT ${host}:${port} HTTP/1.1\r\n\r`));
  let head = "";
  while (!head.endsWith("\r\n\r\n")) {
    head += String.fromCharCode((await stream.readExactly(1))[0]!);
  }
  assert.match(head, /^HTTP\/1\.1 200 /);
  return stream;
}
