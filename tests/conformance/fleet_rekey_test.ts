/**
 * Tests the replacement of the fleet key in a real server, while users change
 * and a node follows.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  type FleetAdmin,
  openFleetAdmin,
} from "../../src/adapters/fleet/fleet_admin.ts";
import { FleetKeys } from "../../src/adapters/fleet/fleet_keys.ts";
import { openValkeyFleet } from "../../src/adapters/fleet/valkey_fleet.ts";
import { FLEET_COPY_BATCH } from "../../src/limits.ts";
import { seededBytes } from "../support/bytes.ts";
import {
  FLEET_KEY,
  REDIS_SKIP,
  RedisServer,
  type TestFleet,
} from "../support/redis_server.ts";
import { announceSkip } from "../support/report.ts";
import { sharedUser, usageReport } from "./fleet_suite.ts";

const SECOND = seededBytes(32, 77);
const OLD = new FleetKeys([FLEET_KEY]);
const NEW = new FleetKeys([SECOND]);
const SERVICE = "8388";

function open(
  { place }: TestFleet,
  ...keys: Uint8Array[]
): Promise<FleetAdmin> {
  return openFleetAdmin({ ...place, keys: new FleetKeys(keys) });
}

describe("another fleet key", { skip: REDIS_SKIP }, () => {
  let server: RedisServer;
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server[Symbol.asyncDispose]());

  test("opens every user, while the old one opens none", async () => {
    const fleet = await server.fleet();
    using admin = await open(fleet, FLEET_KEY, SECOND);
    using late = await open(fleet, FLEET_KEY, SECOND);
    // The users are more than one batch, and belong to two services.
    const names = Array.from({ length: 700 }, (_, i) => `user ${i}`);
    for (const name of names) await admin.put(sharedUser(name));
    await admin.put({ ...sharedUser("other"), service: "8389" });
    assert(names.length > FLEET_COPY_BATCH);
    assert.equal(await admin.switchKey(NEW.check), true);
    assert.equal(await late.switchKey(NEW.check), false);
    assert.equal(await admin.sealAgain(), 701);
    assert.equal(await admin.sealAgain(), 0);
    using after = await open(fleet, SECOND);
    assert.equal(after.oldCheck, OLD.check);
    const seals = await after.seals();
    assert.deepEqual([...seals.sealedBy], [[NEW.ids[0], 701]]);
    assert.deepEqual(seals.unopened, []);
    const { user } = (await after.user(SERVICE, "user 5"))!;
    assert.deepEqual(user, sharedUser("user 5"));
    await assert.rejects(open(fleet, FLEET_KEY), { code: "ERR_CONFIG_VALUE" });
    await after.forgetOldKey();
    using last = await open(fleet, SECOND);
    assert.equal(last.oldCheck, undefined);
  });

  test("takes nothing from a change that comes meanwhile", async () => {
    const fleet = await server.fleet();
    using admin = await open(fleet, FLEET_KEY, SECOND);
    // This client opened the fleet before the switch and does not know of it.
    using slow = await open(fleet, FLEET_KEY, SECOND);
    const names = Array.from({ length: 60 }, (_, i) => `user ${i}`);
    for (const name of names) await admin.put(sharedUser(name));
    await admin.switchKey(NEW.check);
    const limits = { quotaBytes: 5 };
    const changes = (async () => {
      for (const name of names) await slow.put(sharedUser(name, limits));
    })();
    await admin.sealAgain();
    await changes;
    const before = (await admin.seals()).sealedBy.get(NEW.ids[0]!) ?? 0;
    assert.equal(await admin.sealAgain(), 60 - before);
    using after = await open(fleet, SECOND);
    const users = await after.users(SERVICE);
    assert.equal(users.length, 60);
    for (const { user } of users) assert.deepEqual(user.limits, limits);
  });

  test("is followed by a node that has it, which keeps its marks", async () => {
    const fleet = await server.fleet();
    using admin = await open(fleet, FLEET_KEY, SECOND);
    await admin.put(sharedUser("alice", { maxHosts: 1 }));
    const keys = new FleetKeys([FLEET_KEY]);
    await using node = await openValkeyFleet({
      ...{ ...fleet.place, keys, node: "one" },
    });
    const { position } = await node.snapshot([SERVICE]);
    const incarnation = await node.join();
    const seat = { service: SERVICE, name: "alice", place: "192.0.2.1" };
    const enters = async (
      link: typeof node,
      at: number,
      sequence: number,
    ): Promise<boolean> => {
      const report = usageReport("alice", sequence);
      return (await link.enter(at, seat, report)).isAdmitted;
    };
    assert.equal(await enters(node, incarnation, 1), true);
    // A reload does the same.
    keys.adopt(new FleetKeys([FLEET_KEY, SECOND]));
    await admin.switchKey(NEW.check);
    await admin.sealAgain();
    const bob = sharedUser("bob");
    await admin.put(bob);
    const { changes } = await node.changes(position);
    assert.deepEqual(changes, [{ kind: "put", user: bob }]);
    assert.equal(keys.check, NEW.check);
    // Nodes with the old and the new key file count a place as the same.
    assert.equal(await enters(node, incarnation, 2), true);
    for (const ring of [[SECOND], [FLEET_KEY, SECOND]]) {
      await using other = await openValkeyFleet({
        ...{ ...fleet.place, keys: new FleetKeys(ring), node: "two" },
      });
      assert.equal((await other.snapshot([SERVICE])).users.length, 2);
      assert.equal(await enters(other, await other.join(), 1), true);
    }
  });
});

if (REDIS_SKIP) announceSkip(REDIS_SKIP);
