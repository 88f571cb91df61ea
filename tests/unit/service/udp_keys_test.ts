import assert from "node:assert/strict";
import { test } from "node:test";
import { findMethod } from "../../../src/crypto/method.ts";
import { ConfigError } from "../../../src/errors.ts";
import { World } from "../../support/world.ts";

const PSK = new Uint8Array(32).fill(7);

test("UDP with a 2022 method or several users is refused, before anything listens", async () => {
  const world = new World();
  const method = findMethod("2022-blake3-aes-256-gcm");
  const users = [{ name: "ann", masterKey: world.masterKey }];
  const endpoint = { host: "10.0.0.2", port: 8388 };
  const refused = (error: unknown): boolean =>
    error instanceof ConfigError && /UDP is not served/.test(error.message);
  for (const mode of ["udp_only", "tcp_and_udp"] as const) {
    const keys = { method, masterKey: PSK };
    await assert.rejects(world.server({ mode, ...keys }), refused);
    await assert.rejects(world.server({ mode, users }), refused);
    const servers = [{ endpoint, ...keys }];
    await assert.rejects(world.local({ mode, servers }), refused);
  }
  assert.equal(world.network.openListeners, 0);
});
