import assert from "node:assert/strict";
import { test } from "node:test";
import { toLatin1 } from "../../../../src/bytes.ts";
import { userCheck } from "../../../../src/service/inbound/socks5.ts";
import { utf8 } from "../../../support/bytes.ts";

const check = userCheck([
  { username: "Zo\u00eb", password: "caf\u00e9" },
  { username: "bob", password: "\u20ac" },
]);

test("userCheck() takes UTF-8 and Latin-1, whole", () => {
  for (const encode of [utf8, toLatin1]) {
    const username = encode("Zo\u00eb");
    assert.ok(check({ username, password: encode("caf\u00e9") }));
    assert.ok(!check({ username, password: encode("cafe") }));
    assert.ok(!check({ username, password: encode("") }));
  }
  // No program mixes them.
  assert.ok(
    !check({ username: utf8("Zo\u00eb"), password: toLatin1("caf\u00e9") }),
  );
});

test("userCheck() takes nothing else for what Latin-1 does not have", () => {
  const username = utf8("bob");
  assert.ok(check({ username, password: utf8("\u20ac") }));
  assert.ok(!check({ username, password: Uint8Array.of(0xac) }));
  assert.ok(!check({ username, password: Uint8Array.of(0x80) }));
});
