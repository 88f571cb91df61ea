/**
 * What the log of a running chain says: one line a connection, and no more of
 * where users go than was asked for.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { freePort, Program, waitForPort } from "../support/process.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import { command, Target } from "../support/target.ts";
import { socksConnect } from "../support/tcp.ts";
import { until } from "../support/within.ts";
import { Chain, METHOD, PASSWORD, startLocal } from "./chain.ts";

/** A device on which every write fails with ENOSPC. */
const FULL = "/dev/full";

const JSON_LOG = ["--log-format", "json", "--log-connections"];

for (
  const [local, server] of [["deno", "bun"], ["bun", "deno"]] as const
) {
  test(`${local} → ${server} log one line a connection, and only the local whose target it was`, async () => {
    await using target = await Target.start();
    await using chain = await Chain.start({ local, server }, {
      flags: JSON_LOG,
    });
    for (let i = 0; i < 3; i++) {
      using stream = await chain.connect(target.address);
      await stream.write(command("late 10"));
      stream.end();
      assert.equal((await stream.readAll()).length, 10);
    }
    const name = `${target.address.host}:${target.address.port}`;
    for (const end of [chain.local, chain.server]) {
      await until(
        5_000,
        end.program.describe(),
        () => Promise.resolve(connections(end.program).length >= 3),
      );
      const lines = connections(end.program);
      assert.equal(lines.length, 3, end.program.output);
      for (const line of lines) {
        assert.equal(line["level"], "info");
        assert.equal(line["reason"], "done");
        assert.equal(line["client"], "127.0.0.1");
        assert.ok(Number(line["bytesUp"]) > 0);
        assert.equal(typeof line["durationMs"], "number");
      }
      const targets = new Set(lines.map((line) => String(line["target"])));
      assert.equal(targets.size, 1);
      const [shown] = targets;
      if (end === chain.local) assert.equal(shown, name);
      else assert.match(shown!, /^~[0-9a-f]{12}:\d+$/);
    }
  });
}

for (const server of ["deno", "bun"] as const) {
  test(`${server} goes on without its log, when the disk of the log is full`, {
    skip: !existsSync(FULL) && `SKIPPED, there is no ${FULL}`,
  }, async () => {
    await using target = await Target.start();
    const address = { host: "127.0.0.1", port: await freePort() };
    const run = [...programCommand(server), "server", "-v", "-k", PASSWORD];
    const where = ["-s", `127.0.0.1:${address.port}`];
    await using program = await Program.start(
      ["sh", "-c", `exec "$@" 2>${FULL}`, "sh", ...run, ...where]
        .concat("-m", METHOD, "--allow-private", "all"),
      { cwd: ROOT },
    );
    await waitForPort(address.port);
    await using local = await startLocal("bun", address);
    for (let i = 0; i < 3; i++) {
      program.signal("SIGHUP");
      using stream = await socksConnect(local.address, target.address);
      await stream.write(command("down 10"));
      assert.equal((await stream.readAll()).length, 10);
    }
    assert.deepEqual(await program.stop(10_000), { code: 0, signal: null });
  });
}

/** The lines of connections that have ended. */
function connections({ output }: Program): Record<string, unknown>[] {
  return output.split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ message }) => message === "connection closed");
}
