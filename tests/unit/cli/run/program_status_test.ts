import assert from "node:assert/strict";
import { test } from "node:test";
import {
  connectionLimit,
  type LimitedService,
} from "../../../../src/cli/run/program_status.ts";
import { World } from "../../../support/world.ts";
import { SERVICE_DEFAULTS } from "../../../../src/service/options.ts";

function limit(...given: readonly Partial<LimitedService>[]): number {
  const services = given.map((one) => ({ ...SERVICE_DEFAULTS, ...one }));
  const { network } = new World();
  const transport = { ...network, descriptorLimit: () => 1_024 };
  return connectionLimit(services, { transport });
}

test("connectionLimit() leaves out what UDP may take of the descriptors", () => {
  assert.equal(limit({}), 416);
  assert.equal(limit({ mode: "tcp_and_udp" }), 311);
  assert.equal(limit({ mode: "tcp_and_udp", maxFlows: 24 }), 405);
  assert.equal(limit({}, { mode: "tcp_and_udp" }), 311);
  assert.equal(limit({ mode: "tcp_and_udp", maxConnections: 7 }), 7);
});
