import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedUsers } from "../../../../src/cli/run/shared_users.ts";
import { findMethod } from "../../../../src/crypto/method.ts";
import type { SharedUser } from "../../../../src/fleet.ts";
import { MAX_TRIAL_USERS } from "../../../../src/limits.ts";
import type { LogFields, LogLevel } from "../../../../src/observe.ts";
import { seededBytes } from "../../../support/bytes.ts";

const BY_IDENTITY = findMethod("2022-blake3-aes-128-gcm");
const BY_TRIAL = findMethod("aes-128-gcm");

function user(name: string, password: string): SharedUser {
  return { service: "8388", name, password, limits: {}, disabled: false };
}

function keyOf(number: number): string {
  return seededBytes(16, number).toBase64();
}

/** Users, and why the log says that some are not served. */
function scene(): { shared: SharedUsers; reasons: string[] } {
  const reasons: string[] = [];
  const shared = new SharedUsers({
    enabled: () => true,
    log: (_: LogLevel, __: string, { user, reason }: LogFields = {}) => {
      reasons.push(`${user}: ${reason}`);
    },
  });
  return { shared, reasons };
}

test("SharedUsers serves whom it can, and tells of the others", () => {
  const { shared, reasons } = scene();
  const server = { id: "8388", method: BY_IDENTITY, taken: new Set(["file"]) };
  shared.set([
    user("alice", keyOf(1)),
    user("file", keyOf(2)),
    user("twin", keyOf(1)),
    user("short", seededBytes(8).toBase64()),
    user("bob", keyOf(3)),
  ], server);
  assert.deepEqual([...shared.all].map(({ name, origin }) => [name, origin]), [
    ["alice", "fleet"],
    ["bob", "fleet"],
  ]);
  assert.equal(reasons.length, 3);
  assert.match(reasons[0]!, /^file: the server has a user of the same name/);
  assert.match(reasons[1]!, /^twin: the user has the same key as alice$/);
  assert.match(reasons[2]!, /^short: /);
  for (const reason of reasons) {
    for (const number of [1, 2, 3]) assert(!reason.includes(keyOf(number)));
  }
  // Once the other is gone, its key is free.
  shared.remove("alice");
  assert.equal(shared.put(user("twin", keyOf(1)), server)?.name, "twin");
  assert.equal(shared.has("alice"), false);
  // A change that cannot be served takes the user away, rather than its key.
  assert.equal(shared.put(user("bob", "no key"), server), undefined);
  assert.equal(shared.has("bob"), false);
});

test("SharedUsers serves no more users than can be told apart", () => {
  const { shared, reasons } = scene();
  const server = { id: "8388", method: BY_TRIAL, taken: new Set<string>() };
  const users = Array.from(
    { length: MAX_TRIAL_USERS + 1 },
    (_, i) => user(`user${i}`, `password ${i}`),
  );
  shared.set(users, server);
  assert.equal(shared.size, MAX_TRIAL_USERS);
  assert.equal(reasons.length, 1);
  // One that is there can change.
  assert(shared.put(user("user0", "another"), server));
});
