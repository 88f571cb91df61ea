/**
 * What an application sees when something cannot be reached. The protocol has
 * no status channel: for a target behind the server it is success and then the
 * end of the connection; for the server itself it is the right REP.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "../support/process.ts";
import { report } from "../support/report.ts";
import { command, Target } from "../support/target.ts";
import {
  type Address,
  socksConnect,
  SocksRefusal,
  type TcpStream,
} from "../support/tcp.ts";
import { Chain, OURS, PAIRINGS, startLocal, startServer } from "./chain.ts";

/** How soon the application must know that a target refuses. */
const PROMPT_MS = 3_000;

/** The server's own limit for names and connections, and some. */
const RESOLVE_MS = 12_000;

for (const pairing of PAIRINGS) {
  test(`${pairing.name} ends the connection at once, when the target refuses`, {
    skip: pairing.skip,
  }, async () => {
    await using chain = await Chain.start(pairing);
    const target = { host: "127.0.0.1", port: await freePort() };
    await assertEnds(chain, target, PROMPT_MS);
  });

  test(`${pairing.name} ends the connection, when the name does not exist`, {
    skip: pairing.skip,
  }, async () => {
    await using chain = await Chain.start(pairing);
    const target = { host: "no-such-name.invalid", port: 80 };
    const tookMs = await assertEnds(chain, target, RESOLVE_MS);
    report(`${pairing.name}: took ${tookMs.toFixed(0)} ms`);
  });
}

for (const implementation of OURS) {
  test(`${implementation} answers 5, when the server refuses`, async () => {
    const server = { host: "127.0.0.1", port: await freePort() };
    await using local = await startLocal(implementation, server);
    const target = { host: "127.0.0.1", port: 80 };
    await assert.rejects(
      socksConnect(local.address, target),
      (error) => error instanceof SocksRefusal && error.rep === 5,
    );
  });

  test(`${implementation} goes on, when the server comes back`, async () => {
    await using target = await Target.start();
    const port = await freePort();
    const server = { host: "127.0.0.1", port };
    await using local = await startLocal(implementation, server);
    const connect = (): Promise<TcpStream> =>
      socksConnect(local.address, target.address);
    for (let round = 0; round < 2; round++) {
      await assert.rejects(connect(), SocksRefusal);
      await using _server = await startServer(implementation, { port });
      using stream = await connect();
      await stream.write(command("down 5"));
      assert.equal((await stream.readAll()).length, 5);
    }
  });
}

/** Asserts success, no bytes, and the end in time; tells how long it took. */
async function assertEnds(
  chain: Chain,
  target: Address,
  limitMs: number,
): Promise<number> {
  const start = performance.now();
  using stream = await chain.connect(target);
  await stream.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
  try {
    assert.equal(await stream.read(limitMs), undefined, chain.describe());
  } catch (error) {
    // A reset is an end too.
    assert.match(String(error), /ECONNRESET/, chain.describe());
  }
  return performance.now() - start;
}
