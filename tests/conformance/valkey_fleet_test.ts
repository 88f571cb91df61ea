/**
 * The suite of fleets against a real server.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { openValkeyFleet } from "../../src/adapters/fleet/valkey_fleet.ts";
import type { FleetLink } from "../../src/fleet.ts";
import { announceSkip } from "../support/report.ts";
import {
  administer,
  REDIS_SKIP,
  RedisServer,
  type TestFleet,
} from "../support/redis_server.ts";
import { type FleetFixture, fleetSuite } from "./fleet_suite.ts";

let server: RedisServer;

/** Opens a link with the first call: the suite makes links without waiting. */
function lateLink({ place, keys }: TestFleet, node: string): FleetLink {
  const opening = openValkeyFleet({ ...place, keys, node, domain: "main" });
  opening.catch(() => {});
  return {
    node,
    leaseMs: 600_000,
    snapshot: async (...given) => (await opening).snapshot(...given),
    changes: async (...given) => (await opening).changes(...given),
    join: async () => (await opening).join(),
    report: async (...given) => (await opening).report(...given),
    enter: async (...given) => (await opening).enter(...given),
    keep: async (...given) => (await opening).keep(...given),
    leave: async (...given) => (await opening).leave(...given),
    salts: {
      tell: async (...given) => (await opening).salts!.tell(...given),
      told: async (...given) => (await opening).salts!.told(...given),
      claim: async (...given) => (await opening).salts!.claim(...given),
    },
    [Symbol.asyncDispose]: async () => (await opening)[Symbol.asyncDispose](),
  };
}

async function openFixture(): Promise<FleetFixture> {
  const fleet = await server.fleet();
  const admin = await administer(fleet);
  return {
    link: (node) => lateLink(fleet, node),
    put: (user) => admin.put(user),
    remove: async (service, name) => {
      assert.equal(await admin.remove(service, name), true);
    },
    usedBytes: async (service, name) =>
      (await admin.user(service, name))?.usedBytes ?? 0,
    [Symbol.asyncDispose]: () => Promise.resolve(admin[Symbol.dispose]()),
  };
}

if (REDIS_SKIP) announceSkip(REDIS_SKIP);
else {
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server[Symbol.asyncDispose]());
  fleetSuite("Redis", openFixture);
}
