import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";
import { nodeCryptoProvider } from "../../../../src/adapters/crypto/node_crypto.ts";
import {
  LIBRARIES,
  opensslProvider,
} from "../../../../src/adapters/crypto/openssl.ts";
import { openLibrary } from "../../../../src/adapters/crypto/_library.ts";
import {
  libcryptoSubkey,
  SHA1_SYMBOLS,
} from "../../../../src/adapters/crypto/_libcrypto_subkey.ts";
import { systemProviders } from "../../../../src/adapters/crypto/providers.ts";
import type { Aead, AeadProvider } from "../../../../src/crypto/aead.ts";
import { type AeadMethod, METHODS } from "../../../../src/crypto/method.ts";
import { nobleProvider } from "../../../../src/crypto/noble.ts";
import { deriveSubkey } from "../../../../src/crypto/subkey.ts";
import { findFault } from "../../../../src/crypto/provider_check.ts";
import { TAG_LENGTH } from "../../../../src/limits.ts";
import { systemRandomBytes } from "../../../../src/random.ts";

const hasLibcrypto = LIBRARIES.some((path) => existsSync(path));

describe("node:crypto", () => {
  checkProvider(nodeCryptoProvider());

  test("has what its runtime is known to have", () => {
    const provider = nodeCryptoProvider();
    const names = METHODS.filter((method) => provider.supports(method))
      .map(({ name }) => name).sort();
    assert.deepEqual(
      names,
      "Deno" in globalThis
        ? [
          "2022-blake3-aes-128-gcm",
          "2022-blake3-aes-256-gcm",
          "2022-blake3-chacha20-poly1305",
          "aes-128-gcm",
          "aes-256-gcm",
          "chacha20-ietf-poly1305",
        ]
        : [
          "2022-blake3-aes-128-gcm",
          "2022-blake3-aes-256-gcm",
          "aes-128-gcm",
          "aes-192-gcm",
          "aes-256-gcm",
        ],
    );
  });
});

describe("openssl", { skip: !hasLibcrypto && "no libcrypto here" }, () => {
  if (!hasLibcrypto) return;
  const provider = opensslProvider();
  checkProvider(provider);

  test("tells its version and where it is", () => {
    assert.match(provider.version, /^\d+\.\d+\.\d+ .*libcrypto/);
  });

  test("derives the subkeys of HKDF-SHA1, on either runtime", () => {
    const path = LIBRARIES.find((one) => existsSync(one))!;
    const derive = libcryptoSubkey(openLibrary(path, SHA1_SYMBOLS));
    for (const length of [16, 24, 32]) {
      for (let i = 0; i < 50; i++) {
        const key = systemRandomBytes(length);
        const salt = systemRandomBytes(length);
        assert.deepEqual(derive(key, salt), deriveSubkey(key, salt));
      }
    }
  });

  test("keeps no copy of a key that libcrypto has", () => {
    const [key, method] = [new Uint8Array(32).fill(7), aes256gcm()];
    const sealer = provider.aead(method, key);
    sealer.seal(new Uint8Array(12), new Uint8Array(1), new Uint8Array(17));
    assert.deepEqual(key, new Uint8Array(32));
    sealer.free();
  });

  test("refuses to open with a key that it seals with", () => {
    const aead = provider.aead(aes256gcm(), new Uint8Array(32).fill(7));
    const sealed = new Uint8Array(17);
    aead.seal(new Uint8Array(12), new Uint8Array(1), sealed);
    assert.throws(
      () => aead.open(new Uint8Array(12), sealed, new Uint8Array(1)),
      /another use/,
    );
    aead.free();
    assert.throws(
      () => aead.seal(new Uint8Array(12), new Uint8Array(1), sealed),
      /was freed/,
    );
  });

  test("uses contexts again, whatever they were used for before", () => {
    const methods = METHODS.filter((method) => provider.supports(method));
    for (let round = 0; round < 3; round++) {
      const aeads = Array.from({ length: 700 }, (_, i) => {
        const method = methods[(i + round) % methods.length]!;
        const make = (from: AeadProvider): Aead =>
          from.aead(method, new Uint8Array(method.keyLength).fill(i));
        const [sealer, opener] = [make(provider), make(provider)];
        return { method, sealer, opener, reference: make(nobleProvider) };
      });
      for (const { method, sealer, opener, reference } of aeads) {
        const nonce = new Uint8Array(method.nonceLength).fill(round);
        const sealed = new Uint8Array(10 + TAG_LENGTH);
        sealer.seal(nonce, new Uint8Array(10).fill(7), sealed);
        const expected = new Uint8Array(10 + TAG_LENGTH);
        reference.seal(nonce, new Uint8Array(10).fill(7), expected);
        assert.deepEqual(sealed, expected);
        const opened = new Uint8Array(10);
        assert.equal(opener.open(nonce, sealed, opened), true);
        assert.deepEqual(opened, new Uint8Array(10).fill(7));
      }
      for (const aead of aeads.flatMap((one) => [one.sealer, one.opener])) {
        aead.free();
        aead.free();
      }
    }
  });
});

describe("opensslProvider()", () => {
  test("says so, when there is no library", () => {
    assert.throws(
      () => opensslProvider(["/nonexistent/libcrypto.so.3"]),
      /libcrypto cannot be used: .*nonexistent/s,
    );
  });

  test("says so, when the library lacks a function", () => {
    const other = ["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/libm.so.6"]
      .find((path) => existsSync(path));
    if (other === undefined) return;
    assert.throws(() => opensslProvider([other]), /OpenSSL_version_num|symbol/);
  });
});

test("systemProviders() always has noble, and explains what is missing", () => {
  const [first, ...rest] = systemProviders();
  assert.ok(first !== undefined && "provider" in first);
  assert.equal(first.provider.name, "noble");
  for (const result of rest) {
    assert.ok("provider" in result || result.reason.length > 0);
  }
});

function aes256gcm(): AeadMethod {
  return METHODS.find(({ name }) => name === "aes-256-gcm")!;
}

function checkProvider(provider: AeadProvider): void {
  for (const method of METHODS) {
    if (!provider.supports(method)) continue;
    test(`computes ${method.name} as noble does`, () => {
      assert.equal(findFault(provider, method, systemRandomBytes), undefined);
    });

    test(`refuses an output of another size for ${method.name}, and goes on`, () => {
      const aead = provider.aead(method, new Uint8Array(method.keyLength));
      const nonce = new Uint8Array(method.nonceLength);
      const input = new Uint8Array(30);
      for (const size of [9, 13, 15, 45, 47]) {
        const wrong = new Uint8Array(size);
        assert.throws(() => aead.seal(nonce, input, wrong), RangeError);
        assert.throws(() => aead.open(nonce, input, wrong), RangeError);
      }
      aead.seal(nonce, input, new Uint8Array(46));
      aead.free();
      aead.free();
    });
  }
}
