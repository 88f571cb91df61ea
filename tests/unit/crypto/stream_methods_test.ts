import assert from "node:assert/strict";
import { test } from "node:test";
import {
  asAead,
  asStreamCipher,
  findMethod,
  METHODS,
} from "../../../src/crypto/method.ts";
import { STREAM_METHODS } from "../../../src/crypto/stream_methods.ts";
import { ConfigError } from "../../../src/errors.ts";

test("findMethod() refuses stream ciphers, unless they are allowed", () => {
  for (const method of STREAM_METHODS) {
    for (const name of [method.name, method.name.toUpperCase()]) {
      assert.equal(findMethod(name, { allowLegacy: true }), method);
      assert.throws(
        () => findMethod(name),
        (error) =>
          error instanceof ConfigError &&
          error.code === "ERR_SS_METHOD_UNSUPPORTED" &&
          /does not protect what it carries from changes/.test(error.message),
      );
    }
  }
});

test("findMethod() knows other names of stream ciphers", () => {
  assert.equal(findMethod("plain", { allowLegacy: true }).name, "none");
  assert.equal(
    findMethod("AES-192-CFB128", { allowLegacy: true }).name,
    "aes-192-cfb",
  );
  assert.throws(() => findMethod("plain"), /does not protect/);
  assert.throws(
    () => findMethod("aes-512-cfb", { allowLegacy: true }),
    /Unknown method/,
  );
});

test("findMethod() finds what authenticates, with legacy allowed too", () => {
  for (const method of METHODS) {
    assert.equal(findMethod(method.name, { allowLegacy: true }), method);
    assert.ok(method.family.authenticates);
  }
});

test("a stream cipher has no chunks, no clock, no users, and no tag", () => {
  for (const { family, userKind, keyLength, ivLength } of STREAM_METHODS) {
    assert.equal(family.authenticates, false);
    assert.equal(family.needsClock, false);
    assert.equal(family.maxChunk, Infinity);
    assert.equal(userKind, "none");
    assert.ok([0, 8, 16, 24, 32].includes(keyLength));
    assert.ok([0, 6, 8, 12, 16, 24].includes(ivLength));
  }
  const names = [...METHODS, ...STREAM_METHODS].map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
});

test("asAead() and asStreamCipher() take no method for the other kind", () => {
  const [aead] = METHODS;
  const [stream] = STREAM_METHODS;
  assert.equal(asAead(aead!), aead);
  assert.equal(asStreamCipher(stream!), stream);
  assert.throws(() => asAead(stream!), TypeError);
  assert.throws(() => asStreamCipher(aead!), TypeError);
});
