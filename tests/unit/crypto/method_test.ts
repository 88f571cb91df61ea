import assert from "node:assert/strict";
import { test } from "node:test";
import { findMethod, METHODS } from "../../../src/crypto/method.ts";
import { ConfigError } from "../../../src/errors.ts";

test("findMethod() finds every method, in any letter case", () => {
  for (const method of METHODS) {
    assert.equal(findMethod(method.name), method);
    assert.equal(findMethod(method.name.toUpperCase()), method);
    assert.equal(method.saltLength, method.keyLength);
  }
});

test("findMethod() says why, when a method protects nothing", () => {
  const old = ["rc4-md5", "AES-256-CFB", "aes-128-ctr", "chacha20", "none"];
  for (const name of old) {
    assert.throws(() => findMethod(name), /does not protect .* not served: /);
  }
  const unknown = ["aes-256-gmc", "aes_256_gcm", ""];
  for (const name of unknown) {
    assert.throws(() => findMethod(name), /^ConfigError: Unknown method "/);
  }
});

test("findMethod() names every method, when it does not know one", () => {
  assert.throws(() => findMethod("rc4-md5"), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.code, "ERR_SS_METHOD_UNSUPPORTED");
    for (const { name } of METHODS) assert.ok(error.message.includes(name));
    return true;
  });
});
