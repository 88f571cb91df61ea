import assert from "node:assert/strict";
import { test } from "node:test";
import { findMethod } from "../../../src/crypto/method.ts";
import { UmbraError } from "../../../src/errors.ts";
import { systemRandomBytes } from "../../../src/random.ts";
import {
  clientProtocol,
  serverProtocol,
} from "../../../src/session/families.ts";
import {
  CompactUser,
  type ServerUser,
} from "../../../src/session/server_user.ts";
import { serverWorld } from "../../support/sessions.ts";

const TARGET = { kind: "ipv4", host: "192.0.2.1", port: 80 } as const;

for (const name of ["2022-blake3-aes-256-gcm", "aes-256-gcm"]) {
  const method = findMethod(name);
  const key = (seed: number): Uint8Array =>
    new Uint8Array(method.keyLength).fill(seed);
  const user = (name: string, seed: number): ServerUser =>
    new CompactUser({ name, masterKey: key(seed) });

  test(`replaceUser() of ${name} lets one user in or out`, () => {
    const alice = user("alice", 1);
    const bob = user("bob", 2);
    const carol = user("carol", 3);
    const world = serverWorld({ randomBytes: systemRandomBytes });
    const server = serverProtocol(
      { method, masterKey: key(9), users: [alice, bob] },
      world,
    );
    const who = ({ masterKey }: ServerUser): string => {
      const identityKeys = method.userKind === "identity" ? [key(9)] : [];
      const client = clientProtocol({ method, masterKey, identityKeys }, world);
      const session = server.stream(() => "192.0.2.9");
      try {
        const sent = client.stream().request(TARGET, new Uint8Array(4));
        return session.accept(sent).request!.user!;
      } catch (error) {
        if (!(error instanceof UmbraError)) throw error;
        return "–";
      } finally {
        session.free();
      }
    };
    assert.deepEqual([alice, bob, carol].map(who), ["alice", "bob", "–"]);
    server.replaceUser(undefined, carol);
    assert.deepEqual([alice, bob, carol].map(who), ["alice", "bob", "carol"]);
    server.replaceUser(bob, undefined);
    assert.deepEqual([alice, bob, carol].map(who), ["alice", "–", "carol"]);
    const other = user("alice", 7);
    server.replaceUser(alice, other);
    assert.deepEqual([alice, other, carol].map(who), ["–", "alice", "carol"]);
    for (
      const [old, next] of [[undefined, "dave"], [other, "alice"]] as const
    ) {
      const twin = user(next, 3);
      assert.throws(() => server.replaceUser(old, twin), RangeError);
    }
    assert.deepEqual([other, carol].map(who), ["alice", "carol"]);
  });
}

test("a CompactUser is the user that it was made of, and shows no key", () => {
  const masterKey = Uint8Array.from({ length: 32 }, (_, i) => i * 8);
  const limits = { maxHosts: 2 };
  const compact = new CompactUser({ name: "Zoë", masterKey, limits });
  assert.deepEqual(compact.masterKey, masterKey);
  assert.equal(compact.name, "Zoë");
  assert.deepEqual(JSON.parse(JSON.stringify(compact)), {
    name: "Zoë",
    limits,
  });
});
