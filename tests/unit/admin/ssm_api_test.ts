/**
 * Shadowsocks Server Management API v1, at both of its mount points.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AdminWorld } from "../../support/admin_world.ts";
import { ALICE_PSK, BOB_PSK, SPARE_PSK } from "../../support/fake_operator.ts";

const STATS = {
  uplinkBytes: 30,
  downlinkBytes: 40,
  uplinkPackets: 0,
  downlinkPackets: 0,
  tcpSessions: 2,
  udpSessions: 1,
};
const NOTHING = Object.fromEntries(Object.keys(STATS).map((key) => [key, 0]));

for (const root of ["/api/ssm/v1/servers/8388", "/server/v1"]) {
  describe(`the management API at ${root}`, () => {
    test("says who it is, with and without a slash", async () => {
      const world = new AdminWorld();
      for (const path of [root, `${root}/`]) {
        assert.deepEqual(await world.json(path), {
          server: "umbra 0.0.0-test",
          apiVersion: "v1",
        });
      }
    });

    test("takes a user round: added, listed, changed twice, removed", async () => {
      const world = new AdminWorld();
      const added = await world.ask(`${root}/users`, {
        method: "POST",
        body: { username: "carol", uPSK: SPARE_PSK },
      });
      assert.equal(added.status, 201);
      assert.deepEqual(await world.json(`${root}/users`), {
        users: [
          { username: "alice", uPSK: ALICE_PSK },
          { username: "bob", uPSK: BOB_PSK },
          { username: "carol", uPSK: SPARE_PSK },
        ],
      });
      for (
        const [method, uPSK] of [
          ["PATCH", "AAAAAAAAAAAAAAAAAAAAAA=="],
          ["PUT", SPARE_PSK],
        ] as const
      ) {
        const changed = await world.ask(`${root}/users/carol`, {
          method,
          body: { uPSK },
        });
        assert.equal(changed.status, 204);
        assert.equal(await changed.text(), "");
        assert.deepEqual(await world.json(`${root}/users/carol`), {
          username: "carol",
          uPSK,
          ...NOTHING,
        });
      }
      const gone = { method: "DELETE" };
      assert.equal((await world.ask(`${root}/users/carol`, gone)).status, 204);
      assert.equal((await world.ask(`${root}/users/carol`, gone)).status, 404);
      assert.equal((await world.ask(`${root}/users/carol`)).status, 404);
    });

    test("tells each user's own figures, and clears after telling", async () => {
      const world = new AdminWorld();
      const movement = { up: 30, down: 40, connections: 2, associations: 1 };
      world.operator.move("8388", "bob", movement);
      assert.deepEqual(await world.json(`${root}/users/bob`), {
        username: "bob",
        uPSK: BOB_PSK,
        ...STATS,
      });
      const wanted = {
        ...STATS,
        users: [
          { username: "alice", ...NOTHING },
          { username: "bob", ...STATS },
        ],
      };
      assert.deepEqual(await world.json(`${root}/stats?clear=false`), wanted);
      assert.deepEqual(await world.json(`${root}/stats`), wanted);
      assert.deepEqual(await world.json(`${root}/stats?clear=true`), wanted);
      const { uplinkBytes, users } = await world.json(`${root}/stats`);
      assert.deepEqual([uplinkBytes, users[1].downlinkBytes], [0, 0]);
    });

    for (
      const [what, body] of [
        ["a name that is taken", { username: "bob", uPSK: SPARE_PSK }],
        ["no key", { username: "carol" }],
        ["a key of another length", { username: "carol", uPSK: "AAAA" }],
        ["no name", { uPSK: SPARE_PSK }],
        ["no JSON", "{"],
      ] as const
    ) {
      test(`answers 400 as JSON, when there is ${what}`, async () => {
        const world = new AdminWorld();
        const response = await world.ask(`${root}/users`, {
          method: "POST",
          body,
        });
        assert.equal(response.status, 400);
        assert.ok((await response.json()).error.length > 0);
      });
    }
  });
}

test("the management API lists servers, and has sing-box's form for a single one", async () => {
  const world = new AdminWorld();
  assert.deepEqual(await world.json("/api/ssm/v1/servers"), ["8388"]);
  world.operator.withServer("8389");
  assert.deepEqual(await world.json("/api/ssm/v1/servers"), ["8388", "8389"]);
  assert.equal((await world.ask("/server/v1/users")).status, 404);
  assert.deepEqual(await world.json("/api/ssm/v1/servers/8389/users"), {
    users: [],
  });
});
