/**
 * A local with another password than its server: what its operator sees.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "../support/process.ts";
import { command, Target } from "../support/target.ts";
import { socksConnect } from "../support/tcp.ts";
import { until } from "../support/within.ts";
import { OURS, startLocal, startServer } from "./chain.ts";

for (const runtime of OURS) {
  test(`a wrong password is seen at the operator's port of a local on ${runtime}`, async () => {
    await using target = await Target.start();
    await using server = await startServer("bun");
    const admin = `127.0.0.1:${await freePort()}`;
    await using local = await startLocal(runtime, server.address, {
      password: "another",
      flags: ["--admin", admin],
    });
    await local.program.waitForOutput(/operator's port on/, 5_000);
    const ask = (path: string): Promise<Response> =>
      fetch(`http://${admin}${path}`);
    assert.equal((await ask("/readyz")).status, 200);
    {
      using stream = await socksConnect(local.address, target.address);
      await stream.write(command("echo\nping"));
      await until(
        15_000,
        "the local is not ready",
        async () => (await ask("/readyz")).status === 503,
      );
      stream.end();
      assert.equal((await stream.readAll()).length, 0);
    }
    const status = await (await ask("/api/status")).json();
    assert.equal(status.ready, false);
    assert.equal(status.upstreams[0].tcp.state, "down");
    assert.deepEqual(status.refusals, { ERR_NET_UNANSWERED: 1 });
    assert.deepEqual(status.recentRefusals, { ERR_NET_UNANSWERED: 1 });
  });
}
