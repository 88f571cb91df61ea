import assert from "node:assert/strict";
import { test } from "node:test";
import { resolve } from "../../../../src/adapters/net/_resolve.ts";

test("resolve() finds names beyond ASCII as DNS has them, on both runtimes", async () => {
  for (
    const host of [
      "\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54",
      "\u24dbocalhost",
    ]
  ) {
    assert.deepEqual(await resolve(host), await resolve("localhost"));
  }
  assert.deepEqual(await resolve("127\u30020\u30020\u30021"), ["127.0.0.1"]);
});

test("resolve() knows no name that IDNA does not have", async () => {
  for (
    const host of ["\u202elocalhost", "local\u2047host", "\u00e9@localhost"]
      .concat("\u00e9/localhost", "\u00e9 localhost", "\u00e9:1")
  ) {
    await assert.rejects(resolve(host), { code: "ERR_NET_NAME_NOT_FOUND" });
  }
});
