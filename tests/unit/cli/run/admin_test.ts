/**
 * The operator's port and the manager on real sockets of this runtime, asked
 * by curl and by hand.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, test } from "node:test";
import { systemTransport } from "../../../../src/adapters/net/system.ts";
import { bindUnixDatagrams } from "../../../../src/adapters/net/unix_datagrams.ts";
import {
  type AdminSettings,
  startAdmin,
} from "../../../../src/cli/run/admin.ts";
import { systemClock } from "../../../../src/clock.ts";
import { ConfigError, TransportError } from "../../../../src/errors.ts";
import { MAX_ADMIN_BODY_LENGTH } from "../../../../src/limits.ts";
import { missingPrograms } from "../../../e2e/clients.ts";
import { PAGE, TOKEN } from "../../../support/admin_world.ts";
import { utf8 } from "../../../support/bytes.ts";
import { FakeOperator, SPARE_PSK } from "../../../support/fake_operator.ts";
import { freePort, runToEnd } from "../../../support/process.ts";
import { UdpSocket } from "../../../support/udp.ts";
import { until } from "../../../support/within.ts";

const skip = missingPrograms(["curl"], "curl");
const folder = mkdtempSync(join(tmpdir(), "umbra-admin-"));
after(() => rmSync(folder, { recursive: true, force: true }));

describe("the operator's port over TCP", { skip }, () => {
  test("answers curl, and takes a user round through both APIs", async () => {
    await using port = await start();
    assert.equal(await port.curl("/healthz"), "200 ok\n");
    assert.equal(await port.curl("/"), `200 ${PAGE.html}`);
    assert.match(await port.curl("/metrics"), /^200 .*umbra_build_info/s);
    const ssm = "/api/ssm/v1/servers/8388/users";
    assert.match(
      await port.curl(ssm, ...post({ username: "carol", uPSK: SPARE_PSK })),
      /^201 /,
    );
    const own = "/api/servers/8388/users/carol";
    const limits = { quotaBytes: 5 };
    const change = await port.curl(own, ...post({ limits }), "-X", "PATCH");
    assert.match(change, /^200 .*"quotaBytes":5/);
    const { sip008 } = JSON.parse((await port.curl(`${own}/uri`)).slice(4));
    assert.match(await port.curl(sip008), /^200 .*"bytes_remaining":5/);
    assert.equal(await port.curl(`${ssm}/carol`, "-X", "DELETE"), "204 ");
    assert.match(await port.curl(sip008), /^404 /);
  });

  test("refuses what a page in a browser could send", async () => {
    await using port = await start();
    const reload = ["/api/reload", "-X", "POST"] as const;
    for (
      const header of ["Host: evil.example", "Origin: http://evil.example"]
        .concat("Sec-Fetch-Site: cross-site")
    ) {
      assert.match(await port.curl(...reload, "-H", header), /^403 /, header);
    }
    assert.match(
      await port.curl(...reload, "-H", "Content-Type: text/plain", "-d", "{}"),
      /^415 /,
    );
    assert.deepEqual(port.operator.calls, []);
    assert.match(await port.curl(...reload), /^200 /);
  });

  test("asks for its token", async () => {
    await using port = await start({ adminToken: TOKEN });
    assert.match(await port.curl("/api/status"), /^401 /);
    const header = (
      token: string,
    ): string[] => ["-H", `Authorization: ${token}`];
    assert.match(await port.curl("/metrics", ...header("Bearer no")), /^401 /);
    assert.match(
      await port.curl("/api/status", ...header(`Bearer ${TOKEN}`)),
      /^200 /,
    );
    assert.equal(await port.curl("/readyz"), "200 ready\n");
  });

  test("refuses a body over the bound", async () => {
    await using port = await start();
    const name = "x".repeat(MAX_ADMIN_BODY_LENGTH);
    const path = "/api/servers/8388/users";
    assert.equal(await port.curl(path, ...post({ name })), "413 ");
    assert.deepEqual(port.operator.calls, []);
  });

  test("does not start, when others could reach it without a token", async () => {
    for (const host of ["0.0.0.0", "::"]) {
      const admin = { host, port: 0 };
      await assert.rejects(startWith({ admin }), ConfigError);
    }
  });
});

test(
  "the operator's port over a unix socket answers curl",
  { skip },
  async () => {
    const path = join(folder, "admin.sock");
    await using port = await start({ admin: { path } });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(await port.curl("/healthz"), "200 ok\n");
    assert.match(
      await port.curl("/api/status", "-H", "Host: evil.example"),
      /^403 /,
    );
    await port[Symbol.asyncDispose]();
    assert.ok(!existsSync(path));
  },
);

test("a path that a killed process left is taken", { skip }, async () => {
  const [path, other] = [
    join(folder, "stale.sock"),
    join(folder, "other.sock"),
  ];
  const left = createServer();
  await new Promise<void>((resolve) => left.listen(other, resolve));
  // Closing removes the path it was bound to, not where it is by now.
  renameSync(other, path);
  await new Promise((resolve) => left.close(resolve));
  assert.ok(existsSync(path));
  await using port = await start({ admin: { path } });
  assert.equal(await port.curl("/healthz"), "200 ok\n");
});

test("a port is taken over when the other process ends", { skip }, async () => {
  const admin = { host: "127.0.0.1", port: await freePort() };
  const first = await start({ admin });
  await assert.rejects(
    startWith({ admin }),
    (error) =>
      error instanceof TransportError &&
      error.code === "ERR_NET_ADDRESS_IN_USE",
  );
  await using second = await start({ admin, reusePort: true });
  second.operator.patch = { ready: false };
  assert.equal(await second.curl("/readyz"), "200 ready\n", "the first one's");
  await first[Symbol.asyncDispose]();
  await until(
    5_000,
    "the second one answers",
    async () => (await second.curl("/readyz")) === "503 not ready\n",
  );
});

describe("the manager", () => {
  test("answers over UDP", async () => {
    const manager = { host: "127.0.0.1", port: await freePort() };
    await using port = await start({ manager });
    using client = await UdpSocket.bind();
    const ask = async (request: string): Promise<string> => {
      await client.send(utf8(request), manager);
      return new TextDecoder().decode((await client.receive()).payload);
    };
    assert.equal(await ask('add: {"server_port":8001,"password":"p"}'), "ok");
    assert.equal(
      await ask("list"),
      '[\n\t{"server_port":"8001","password":"p","method":"aes-256-gcm"}\n]',
    );
    assert.equal(await ask("ping"), 'stat: {"8388":0,"8001":0}');
    assert.equal(await ask('remove: {"server_port":8001}'), "ok");
    await client.send(utf8("\xff garbage"), manager);
    assert.equal(await ask("list"), "[\n]");
    assert.deepEqual(port.operator.calls, [
      "addServer(8001)",
      "removeServer(8001)",
    ]);
  });

  test("answers over a unix datagram socket, or says that there is none", async () => {
    const path = join(folder, "manager.sock");
    if (!("Deno" in globalThis)) {
      await assert.rejects(startWith({ manager: { path } }), /only Deno/);
      return;
    }
    await using _port = await start({ manager: { path } });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const client = await bindUnixDatagrams(join(folder, "client.sock"));
    await client.send(utf8("ping"), { host: path, port: 0 });
    const reply = await client.receive();
    assert.equal(new TextDecoder().decode(reply!.payload), 'stat: {"8388":0}');
    client.close();
    assert.ok(!existsSync(join(folder, "client.sock")));
  });

  test("does not start where others can reach it, and nothing else does then", async () => {
    const admin = { host: "127.0.0.1", port: await freePort() };
    const manager = { host: "0.0.0.0", port: 0 };
    await assert.rejects(startWith({ admin, manager }), ConfigError);
    await (await startWith({ admin })).stop(0);
  });
});

interface Port extends AsyncDisposable {
  readonly operator: FakeOperator;
  /** Status and body of the answer. */
  curl(path: string, ...flags: string[]): Promise<string>;
}

async function start(settings: Partial<AdminSettings> = {}): Promise<Port> {
  const operator = new FakeOperator();
  const admin = settings.admin ??
    { host: "127.0.0.1", port: await freePort() };
  const running = await startWith({ ...settings, admin }, operator);
  const where = "path" in admin ? ["--unix-socket", admin.path] : [];
  const base = "path" in admin
    ? "http://localhost"
    : `http://127.0.0.1:${admin.port}`;
  return {
    operator,
    curl: async (path, ...flags) => {
      const { output } = await runToEnd(
        ["curl", "-sS", "-m", "10", "-w", "\n%{http_code}", ...where, ...flags]
          .concat(base + path),
        15_000,
        // A proxy of this machine is not for loopback.
        { env: { ...process.env, no_proxy: "*" } },
      );
      const split = output.lastIndexOf("\n");
      return `${output.slice(split + 1)} ${output.slice(0, split)}`;
    },
    [Symbol.asyncDispose]: () => running.stop(0),
  };
}

function startWith(
  settings: Partial<AdminSettings>,
  operator: FakeOperator = new FakeOperator(),
): ReturnType<typeof startAdmin> {
  return startAdmin({ reusePort: false, ...settings }, operator, {
    transport: systemTransport(),
    clock: systemClock,
    logger: { enabled: () => false, log: () => {} },
    page: PAGE,
  });
}

function post(value: unknown): string[] {
  return [
    ...["-H", "Content-Type: application/json"],
    ...["-d", JSON.stringify(value)],
  ];
}
