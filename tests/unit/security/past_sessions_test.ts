import assert from "node:assert/strict";
import { test } from "node:test";
import { PastSessions } from "../../../src/security/past_sessions.ts";

test("PastSessions knows the highest id, and of the oldest the time stamp only", () => {
  const past = new PastSessions(2);
  assert.equal(past.lastId("a"), -1n);
  past.add("a", { lastId: 7n, lastStampSeconds: 100 });
  past.add("b", { lastId: 0n, lastStampSeconds: 90 });
  past.add("a", { lastId: 9n, lastStampSeconds: 110 });
  assert.deepEqual([past.lastId("a"), past.lastId("b")], [9n, 0n]);
  assert.equal(past.forgottenSeconds, 0);
  past.add("c", { lastId: 1n, lastStampSeconds: 80 });
  assert.deepEqual([past.lastId("b"), past.forgottenSeconds], [-1n, 90]);
  past.add("d", { lastId: 1n, lastStampSeconds: 85 });
  past.add("e", { lastId: 1n, lastStampSeconds: 85 });
  assert.equal(past.forgottenSeconds, 110);
});
