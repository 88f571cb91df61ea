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
    const nameOf = (password: string): string | undefined =>
      check({ username, password: encode(password) });
    assert.equal(nameOf("caf\u00e9"), "Zo\u00eb");
    assert.equal(nameOf("cafe"), undefined);
    assert.equal(nameOf(""), undefined);
  }
  // No program mixes them.
  assert.equal(
    check({ username: utf8("Zo\u00eb"), password: toLatin1("caf\u00e9") }),
    undefined,
  );
});

test("userCheck() takes nothing else for what Latin-1 does not have", () => {
  const username = utf8("bob");
  assert.equal(check({ username, password: utf8("\u20ac") }), "bob");
  assert.equal(check({ username, password: Uint8Array.of(0xac) }), undefined);
  assert.equal(check({ username, password: Uint8Array.of(0x80) }), undefined);
});
