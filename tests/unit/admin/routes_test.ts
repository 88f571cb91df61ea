/**
 * What the operator's port answers: health, metrics and our own API.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MemoryFleet } from "../../support/memory_fleet.ts";
import type { Status } from "../../../src/admin/operator.ts";
import { qrSvg } from "../../../src/admin/qr.ts";
import { ConfigError } from "../../../src/errors.ts";
import { silentLogger } from "../../../src/observe.ts";
import { FleetMember } from "../../../src/service/fleet/member.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { AdminWorld, PAGE } from "../../support/admin_world.ts";
import { BOB_PSK, SERVER_PSK, SPARE_PSK } from "../../support/fake_operator.ts";

const USERS = "/api/servers/8388/users";

describe("health", () => {
  test("is reported while the process runs, and readiness as the program has it", async () => {
    const world = new AdminWorld();
    assert.equal((await world.ask("/readyz")).status, 200);
    world.operator.patch = { ready: false };
    assert.equal((await world.ask("/readyz")).status, 503);
    assert.equal((await world.ask("/healthz")).status, 200);
  });

  test("includes the fleet for a request that asks for it", async () => {
    const world = new AdminWorld();
    const asked = async (): Promise<number[]> => [
      (await world.ask("/readyz")).status,
      (await world.ask("/readyz?fleet=true")).status,
    ];
    assert.deepEqual(await asked(), [200, 200]);
    const fleet = new MemoryFleet(new FakeClock());
    await using member = new FleetMember({
      node: "one",
      connect: () => Promise.resolve(fleet.link("one")),
      clock: fleet.clock,
      logger: silentLogger,
      outage: "serve",
    });
    world.operator.patch = { fleet: member.status };
    assert.deepEqual(await asked(), [200, 200]);
    world.operator.patch = { fleet: { ...member.status, isUp: false } };
    assert.deepEqual(await asked(), [200, 503]);
  });
});

describe("a path", () => {
  test("that leads nowhere is a 404, for any method", async () => {
    const world = new AdminWorld();
    for (
      const path of ["/api", "/api/servers/8388", "/api/servers/9/users", "/%"]
        .concat(
          `${USERS}/nobody`,
          "/api/ssm/v1/servers/9/stats",
          "//",
          "/..%2f",
        )
    ) {
      const response = await world.ask(path);
      assert.equal(response.status, 404, path);
      assert.ok((await response.json()).error.length > 0);
    }
  });

  test("that has other methods names them", async () => {
    const response = await new AdminWorld().ask(USERS, { method: "DELETE" });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), "GET, POST");
  });

  test("answers HEAD like GET", async () => {
    const response = await new AdminWorld().ask("/", { method: "HEAD" });
    assert.equal(response.status, 200);
    assert.equal(
      response.headers.get("content-type"),
      "text/html; charset=utf-8",
    );
    assert.equal(await response.text(), PAGE.html, "the server leaves it out");
  });
});

describe("what can be seen", () => {
  test("is the status, without any secret", async () => {
    const world = new AdminWorld();
    world.operator.move("8388", "bob", { up: 3, down: 4, connections: 1 });
    const status: Status = await world.json("/api/status");
    assert.deepEqual(
      status,
      JSON.parse(JSON.stringify(world.operator.status())),
    );
    assert.equal(status.servers[0]!.users[1]!.usage.bytesDown, 4);
    for (const secret of [SERVER_PSK, BOB_PSK]) {
      assert.ok(!JSON.stringify(status).includes(secret));
    }
  });

  test("is in the metrics, in the type that Prometheus wants", async () => {
    const response = await new AdminWorld().ask("/metrics");
    assert.match(response.headers.get("content-type")!, /version=0\.0\.4/);
    assert.match(await response.text(), /^umbra_build_info\{.*0\.0\.0-test/m);
  });
});

describe("a user", () => {
  test("is added, seen, changed, cleared and removed", async () => {
    const world = new AdminWorld();
    const limits = { quotaBytes: 1_000, maxHosts: 2 };
    const added = await world.ask(USERS, {
      method: "POST",
      body: { name: "carol", limits },
    });
    assert.equal(added.status, 201);
    assert.equal((await added.json()).limits.quotaBytes, 1_000);
    assert.deepEqual(
      (await world.json(USERS)).users.map(({ name }: { name: string }) => name),
      ["alice", "bob", "carol"],
    );
    world.operator.move("8388", "carol", { up: 10 });
    const changed = await world.json(`${USERS}/carol`, {
      method: "PATCH",
      body: { disabled: true, limits: {} },
    });
    assert.deepEqual(
      [changed.disabled, changed.limits, changed.usage.bytesUp],
      [true, {}, 10],
    );
    await world.json(`${USERS}/carol/clear`, { method: "POST" });
    assert.equal((await world.json(`${USERS}/carol`)).usage.bytesUp, 0);
    const removed = await world.ask(`${USERS}/carol`, { method: "DELETE" });
    assert.equal(removed.status, 204);
    assert.equal(await removed.text(), "");
    assert.equal((await world.ask(`${USERS}/carol`)).status, 404);
  });

  test("has a URI, a drawing of it, and the path of its document", async () => {
    const world = new AdminWorld();
    const { uri, sip008, qr } = await world.json(`${USERS}/bob/uri`);
    assert.equal(uri, world.operator.credentials("8388", "bob")!.uri);
    assert.match(sip008, /^\/sip008\/[\w-]+\.[\w-]{43}$/);
    assert.equal(qr, qrSvg(uri));
  });

  test("has no URI and no document, when its key has no such form", async () => {
    const world = new AdminWorld();
    const { sip008 } = await world.json(`${USERS}/bob/uri`);
    world.operator.credentials = () => undefined;
    const response = await world.ask(`${USERS}/bob/uri`);
    assert.equal(response.status, 404);
    assert.match((await response.json()).error, /raw key/);
    assert.equal((await world.ask(sip008)).status, 404);
  });

  test("has no drawing, when its URI is too long for one", async () => {
    const world = new AdminWorld();
    world.operator.withServer("8389", "aes-256-gcm");
    const user = { name: "long", password: "x".repeat(3_000) };
    world.operator.addUser("8389", user);
    const told = await world.json("/api/servers/8389/users/long/uri");
    assert.ok(told.uri.length > 3_000);
    assert.ok(!("qr" in told));
  });

  test("may have any name, in a path as well", async () => {
    const world = new AdminWorld();
    for (
      const name of [
        "a/b",
        "Zoë 🙂",
        "50%",
        "__proto__",
        "a?b#c",
        "می\u200cخواهم",
      ]
    ) {
      await world.json(USERS, { method: "POST", body: { name } });
      const path = `${USERS}/${encodeURIComponent(name)}`;
      assert.equal((await world.json(path)).name, name);
    }
  });

  test("whose name is blank, of an older store, can be seen and removed", async () => {
    const world = new AdminWorld();
    world.operator.addUser("8388", { name: "  ", password: SPARE_PSK });
    assert.equal((await world.json(`${USERS}/%20%20`)).name, "  ");
    const removed = await world.ask(`${USERS}/%20%20`, { method: "DELETE" });
    assert.equal(removed.status, 204);
  });

  for (
    const [what, body] of [
      ["is no JSON", '{"name": "carol", "password": "hush'],
      ["is a list", []],
      ["is null", null],
      ["has no name", {}],
      ["has an empty name", { name: "" }],
      ["has a name of another type", { name: 5 }],
      ["has a long name", { name: "x".repeat(65) }],
      ["has a name that no path can have", { name: ".." }],
      ["has a name with a line end", { name: "a\nb" }],
      ["has half a pair in its name", '{"name": "\\ud800x"}'],
      [
        "has half a pair in its password",
        '{"name": "x", "password": "\\udc00"}',
      ],
      ["has a blank name", { name: " " }],
      ["has a name without ink", { name: "\u3164\u200d\u00a0" }],
      ["has a name that turns the text", { name: "\u202eecila" }],
      ["has a name with an invisible mark", { name: "alice\u200b" }],
      ["is not UTF-8", new Blob(['{"name": "', Uint8Array.of(0xff), '"}'])],
      ["has an unknown field", { name: "carol", admin: true }],
      ["has an unknown limit", { name: "carol", limits: { quota: 1 } }],
      ["has a limit below nothing", {
        name: "carol",
        limits: { quotaBytes: -1 },
      }],
      ["has no connections", { name: "carol", limits: { maxConnections: 0 } }],
      ["has half a device", { name: "carol", limits: { maxHosts: 1.5 } }],
      ["has a limit as text", { name: "carol", limits: { quotaBytes: "1" } }],
      ["is disabled, maybe", { name: "carol", disabled: "yes" }],
      ["has no key of the method", { name: "carol", password: "hush" }],
      ["has the name of another", { name: "alice" }],
    ] as const
  ) {
    test(`is refused, and nothing changed, when the body ${what}`, async () => {
      const world = new AdminWorld();
      const response = await world.ask(USERS, { method: "POST", body });
      assert.equal(response.status, 400);
      const { error, code } = await response.json();
      assert.match(code, /^ERR_(CONFIG|SS)_/);
      assert.doesNotMatch(error, /hush/);
      assert.equal((await world.json(USERS)).users.length, 2);
    });
  }

  test("of the configuration file is changed and removed as others are", async () => {
    const world = new AdminWorld();
    const changed = await world.json(`${USERS}/alice`, {
      method: "PATCH",
      body: { password: SPARE_PSK },
    });
    assert.equal(changed.origin, "changed");
    const removed = await world.ask(`${USERS}/alice`, { method: "DELETE" });
    assert.equal(removed.status, 204);
    assert.equal((await world.ask(`${USERS}/alice`)).status, 404);
  });
});

test("the last day is returned by the minute", async () => {
  const world = new AdminWorld();
  assert.deepEqual(await world.json("/api/history"), { minutes: [] });
});

describe("a reload", () => {
  test("tells what it did, or would do", async () => {
    const world = new AdminWorld();
    world.operator.reloadOutcome = { changes: ["a port"], warnings: [] };
    for (
      const [query, dryRun] of [["", false], ["?dryRun=true", true]] as const
    ) {
      const report = await world.json(`/api/reload${query}`, {
        method: "POST",
      });
      assert.deepEqual(report.changes, ["a port"]);
      assert.equal(world.operator.calls.at(-1), `reload(${dryRun})`);
    }
    assert.equal((await world.ask("/api/reload")).status, 405, "by a link");
  });

  test("says what is wrong with the file", async () => {
    const world = new AdminWorld();
    world.operator.reloadOutcome = new ConfigError("ERR_CONFIG_FILE", "gone");
    const response = await world.ask("/api/reload", { method: "POST" });
    assert.equal(response.status, 400);
    assert.deepEqual(await response.json(), {
      error: "gone",
      code: "ERR_CONFIG_FILE",
    });
  });
});

test("counts of a whole server are cleared", async () => {
  const world = new AdminWorld();
  world.operator.move("8388", "bob", { up: 1 });
  await world.json("/api/servers/8388/clear", { method: "POST" });
  assert.equal((await world.json(USERS)).users[1].usage.bytesUp, 0);
  assert.equal(
    (await world.ask("/api/servers/9/clear", { method: "POST" })).status,
    404,
  );
});

test("a user that goes while it is changed is a 404", async () => {
  const world = new AdminWorld();
  world.operator.changeUser = () => {
    throw new RangeError("There is no user bob");
  };
  const response = await world.ask(`${USERS}/bob`, {
    method: "PATCH",
    body: { disabled: true },
  });
  assert.equal(response.status, 404);
});

test("users are told in pages, whatever the address asks for", async () => {
  const world = new AdminWorld();
  const names = Array.from({ length: 2_500 }, (_, i) => `user-${i}`);
  world.operator.withUsers(names);
  const of = async (path: string): Promise<string[]> => {
    const { users } = await world.json(path) as {
      users: { name: string }[];
    };
    return users.map(({ name }) => name);
  };
  assert.deepEqual(await of(USERS), names.slice(0, 1_000));
  assert.deepEqual(await of(`${USERS}?offset=2400`), names.slice(2_400));
  for (const bad of ["-1", "x", "1e3", "NaN"]) {
    assert.deepEqual(await of(`${USERS}?offset=${bad}`), names.slice(0, 1_000));
  }
  const { servers, users } = await world.json(
    "/api/status?sort=name&order=asc&users=5&filter=R-24",
  ) as unknown as Status;
  assert.deepEqual(
    servers[0]!.users.map(({ name }) => name),
    ["user-24", "user-240", "user-241", "user-242", "user-243"],
  );
  assert.equal(servers[0]!.userCount, 2_500);
  assert.deepEqual([users.total, users.found], [2_500, 111]);
  assert.equal((await of(`${USERS}?offset=9999`)).length, 0);
});
