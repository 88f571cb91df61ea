/**
 * A server as the node of a panel: users come and go, each byte is billed once,
 * and a start without the panel goes on with what was kept.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FakePanel, PANEL_NODE, uuidOf } from "../support/fake_panel.ts";
import { freePort, Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { command, Target } from "../support/target.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { until } from "../support/within.ts";
import { startLocal } from "./chain.ts";

const BYTES = 100_000;

/** Milliseconds after which a client gives up. */
const PATIENCE_MS = 2_000;

/** Milliseconds in which the last report is made. */
const STOP_MS = 10_000;

const folder = mkdtempSync(join(tmpdir(), "umbra-panel-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The key of a user's client. */
function keyOf(id: number): string {
  return `${PANEL_NODE.server_key}:${btoa(uuidOf(id).slice(0, 32))}`;
}

/** @returns Bytes that came; a stranger waits in vain for the first. */
async function fetchThrough(local: Address, target: Target): Promise<number> {
  const stream = await socksConnect(local, target.address);
  const giveUp = setTimeout(() => stream.close(), PATIENCE_MS);
  try {
    await stream.write(command(`down ${BYTES}`));
    return (await stream.readAll()).length;
  } catch {
    return 0;
  } finally {
    clearTimeout(giveUp);
    stream.close();
  }
}

for (const runtime of ["deno", "bun"] as const) {
  test(`${runtime} serves the users of a panel, and bills each byte once`, async () => {
    const panel = new FakePanel();
    const port = await freePort();
    panel.node = {
      ...PANEL_NODE,
      "server_port": port,
      "base_config": { "push_interval": 5, "pull_interval": 5 },
    };
    panel.users = [{ id: 1, uuid: uuidOf(1), "device_limit": 2 }];
    await using listening = await panel.listen();
    await using target = await Target.start();
    const file = join(folder, `${runtime}.json`);
    writeFileSync(
      file,
      JSON.stringify({
        server: "127.0.0.1",
        panel: { url: listening.url, "node_id": 7, token: panel.token },
        store: `${runtime}.db`,
      }),
      { mode: 0o600 },
    );
    const start = (): Promise<Program> =>
      Program.start([
        ...programCommand(runtime),
        ...["server", "-c", file, "--allow-private", "all"],
      ], { ready: /ss-server listening on/ });
    const server = { host: "127.0.0.1", port };
    const method = PANEL_NODE.cipher;
    const localOf = (id: number): ReturnType<typeof startLocal> =>
      startLocal(runtime, server, { method, password: keyOf(id) });
    await using one = await localOf(1);
    await using two = await localOf(2);
    let program = await start();
    try {
      assert.equal(await fetchThrough(one.address, target), BYTES);
      assert.equal(await fetchThrough(two.address, target), 0);
      // The other one comes, and the first leaves while it is connected.
      const open = await socksConnect(one.address, target.address);
      await open.write(command("echo\n"));
      await until(
        15_000,
        "the panel knows of the device",
        () => Promise.resolve(panel.alive["1"]?.[0] === "127.0.0.1"),
      );
      panel.users = [{ id: 2, uuid: uuidOf(2) }];
      await until(
        15_000,
        "the new user is served",
        async () => await fetchThrough(two.address, target) === BYTES,
      );
      await open.readAll().catch(() => {});
      open.close();
      assert.equal(await fetchThrough(one.address, target), 0);
      assert.equal((await program.stop(STOP_MS)).code, 0, program.describe());
      assert.ok(!program.output.includes(panel.token), program.describe());
      const [, down] = panel.billed.get("2")!;
      assert.equal(down % BYTES, 0);
      assert.ok(down > 0 && panel.billed.get("1")![1] >= BYTES);
      // Without the panel it goes on with what is kept.
      panel.fates.set("config", { status: 502 });
      panel.fates.set("user", { status: 502 });
      panel.fates.set("push", { status: 503 });
      program = await start();
      assert.match(
        program.output,
        /panel: cannot fetch users; the present ones stay/,
      );
      assert.equal(await fetchThrough(two.address, target), BYTES);
      await program.stop(STOP_MS);
      assert.equal(panel.billed.get("2")![1], down);
      panel.fates.clear();
      program = await start();
      await program.stop(STOP_MS);
      assert.equal(panel.billed.get("2")![1], down + BYTES);
    } finally {
      await program.stop(STOP_MS);
    }
  });

  test(`${runtime} says in one line why a panel's node is not served`, async () => {
    const panel = new FakePanel();
    panel.node = { ...PANEL_NODE, protocol: "vmess" };
    await using listening = await panel.listen();
    const file = join(folder, `${runtime}-refused.json`);
    writeFileSync(
      file,
      JSON.stringify({
        panel: { url: listening.url, "node_id": 7, token: panel.token },
      }),
      { mode: 0o600 },
    );
    const { code, output } = await runToEnd([
      ...programCommand(runtime),
      ...["server", "-c", file],
    ], 20_000);
    assert.equal(code, 2, output);
    assert.match(
      output,
      /node is of vmess, and this server speaks Shadowsocks/,
    );
    assert.ok(!output.includes(panel.token));
  });
}
