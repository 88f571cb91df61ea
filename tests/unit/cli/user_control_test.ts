/**
 * Users of `umbra user`: all of them, however many are told at once.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { serveHttp } from "../../../src/adapters/net/http_server.ts";
import { createAdminHandler } from "../../../src/admin/admin_handler.ts";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import { configureServer } from "../../../src/cli/config/config.ts";
import { systemSources } from "../../../src/cli/config/sources.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import {
  remoteControl,
  storeControl,
  type UserControl,
} from "../../../src/cli/user/user_control.ts";
import { MAX_USER_PAGE } from "../../../src/limits.ts";
import { silentLogger } from "../../../src/observe.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { FakeOperator } from "../../support/fake_operator.ts";

const folder = mkdtempSync(join(tmpdir(), "umbra-users-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const nameOf = (i: number): string => `user-${i}`;

/** All of them are there, and the last one can be asked for and cleared. */
async function hasAll(control: UserControl, count: number): Promise<void> {
  const [server] = await control.servers();
  const users = await control.users(server!.id);
  assert.equal(new Set(users.map(({ name }) => name)).size, count);
  const last = nameOf(count - 1);
  assert.equal((await control.user(server!.id, last))?.name, last);
  assert.equal(await control.user(server!.id, "nobody"), undefined);
  await control.clear(server!.id, last);
}

test("a running program tells every user", async () => {
  const count = MAX_USER_PAGE + 100;
  // A key of the fake is one byte, repeated.
  const operator = new FakeOperator().withUsers(
    Array.from({ length: count }, (_, i) => nameOf(i)),
  );
  const handler = createAdminHandler({
    host: "127.0.0.1",
    operator,
    clock: new FakeClock(),
    logger: silentLogger,
  });
  const server = await serveHttp({ host: "127.0.0.1", port: 0 }, handler, {
    logger: silentLogger,
  });
  try {
    await hasAll(remoteControl({ address: server.address }), count);
    assert.deepEqual(operator.calls, [`clearCounts(8388, ${nameOf(1_099)})`]);
  } finally {
    await server.stop(0);
  }
});

test("the store of a program that does not run tells every user", async () => {
  const count = 150;
  const file = join(folder, "server.json");
  const text = JSON.stringify({
    ...{ server: "127.0.0.1", ["server_port"]: 8388 },
    ...{ method: "chacha20-ietf-poly1305", store: "users.db" },
    users: Array.from({ length: count }, (_, i) => ({
      name: nameOf(i),
      password: `a long password of ${i}`,
    })),
  });
  writeFileSync(file, text, { mode: 0o600 });
  const args = parseArguments(findCommand("server")!, ["-c", file]);
  using owned = new DisposableStack();
  const configured = configureServer(args, systemSources);
  await hasAll(storeControl(args, configured, owned), count);
});
