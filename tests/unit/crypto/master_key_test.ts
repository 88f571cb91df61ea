import assert from "node:assert/strict";
import { test } from "node:test";
import {
  masterKeyFromBase64,
  masterKeyFromPassword,
} from "../../../src/crypto/master_key.ts";
import { findMethod } from "../../../src/crypto/method.ts";
import { ConfigError } from "../../../src/errors.ts";

const AES_128 = findMethod("aes-128-gcm");

test("masterKeyFromPassword() uses UTF-8, and fits every key length", () => {
  for (const name of ["aes-128-gcm", "aes-192-gcm", "aes-256-gcm"]) {
    const method = findMethod(name);
    const key = masterKeyFromPassword("pässwörd ☂", method);
    assert.equal(key.length, method.keyLength);
  }
  // md5("") is the first block of the empty password.
  assert.equal(
    masterKeyFromPassword("", AES_128).toHex(),
    "d41d8cd98f00b204e9800998ecf8427e",
  );
});

test("masterKeyFromBase64() reads both alphabets, padded or not", () => {
  const key = Uint8Array.from({ length: 16 }, (_, i) => 0xf0 + i);
  const standard = key.toBase64();
  const url = key.toBase64({ alphabet: "base64url", omitPadding: true });
  assert.notEqual(standard, url);
  assert.deepEqual(masterKeyFromBase64(standard, AES_128), key);
  assert.deepEqual(masterKeyFromBase64(url, AES_128), key);
});

test("masterKeyFromBase64() refuses other lengths and text, without telling the key", () => {
  for (const text of ["c2VjcmV0", "not base64!", ""]) {
    assert.throws(() => masterKeyFromBase64(text, AES_128), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, "ERR_SS_KEY_LENGTH");
      assert.match(error.message, /16 bytes/);
      if (text !== "") assert.ok(!error.message.includes(text));
      return true;
    });
  }
});
