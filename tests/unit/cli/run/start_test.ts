/**
 * The way from a command line to running services and back, with real sockets
 * and a real store.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseArguments } from "../../../../src/cli/options/args.ts";
import { commandOf } from "../../../../src/cli/commands/commands.ts";
import type { Host } from "../../../../src/cli/run/host.ts";
import { runServer } from "../../../../src/cli/run/start.ts";

const folder = mkdtempSync(join(tmpdir(), "umbra-start-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** As worker 1, so that nothing is said of an ordinary end. */
function hostUntil(signal: Promise<string>, listening = (): void => {}): Host {
  return {
    worker: 1,
    stopSignal: () => signal,
    onReload: () => {},
    onDefect: () => {},
    listening,
    stopped: () => {},
    runWorkers: () => Promise.reject(new Error("Not here")),
  };
}

function run(host: Host, store: string, ...more: string[]): Promise<void> {
  const argv = ["-k", "pw", "-s", "127.0.0.1", "--store", store, ...more];
  return runServer(parseArguments(commandOf("server"), argv), host);
}

/** SQLite keeps this file for as long as anybody has the store open. */
function isOpen(store: string): boolean {
  return existsSync(`${store}-wal`);
}

test("runServer() closes the store, when a signal ends it", async () => {
  const store = join(folder, "ended");
  const signal = Promise.withResolvers<string>();
  await run(
    hostUntil(signal.promise, () => {
      assert.ok(isOpen(store));
      signal.resolve("SIGTERM");
    }),
    store,
    "-p",
    "0",
  );
  assert.ok(existsSync(store));
  assert.ok(!isOpen(store));
});

for (
  const [what, argvOf] of [
    ["a port", (port: number) => ["-p", `${port}`]],
    [
      "the operator's port",
      (port: number) => ["-p", "0", "--admin", `127.0.0.1:${port}`],
    ],
  ] as const
) {
  test(`runServer() closes the store, when ${what} is taken`, async () => {
    const store = join(folder, `no ${what}`);
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    try {
      await assert.rejects(
        run(hostUntil(new Promise(() => {})), store, ...argvOf(port)),
        { code: "ERR_NET_ADDRESS_IN_USE" },
      );
    } finally {
      taken.close();
    }
    assert.ok(existsSync(store));
    assert.ok(!isOpen(store));
  });
}
