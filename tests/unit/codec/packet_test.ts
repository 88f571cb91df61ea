import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../../../src/bytes.ts";
import { openPacket, sealPacket } from "../../../src/codec/packet.ts";
import type { Aead } from "../../../src/crypto/aead.ts";
import { MasterKey } from "../../../src/crypto/aead.ts";
import { METHODS } from "../../../src/crypto/method.ts";
import { nobleProvider } from "../../../src/crypto/noble.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { systemRandomBytes } from "../../../src/random.ts";
import {
  flipBit,
  hex,
  seededBytes,
  unaligned,
  utf8,
} from "../../support/bytes.ts";
import { countingBytes, testKey } from "../../support/keys.ts";

const ADDRESS = { host: "192.0.2.1", port: 53 };

for (const { name, saltLength } of METHODS) {
  test(`openPacket() opens what sealPacket() sealed, with ${name}`, () => {
    const key = testKey(name);
    for (const host of ["192.0.2.1", "2001:db8::1", "example.com"]) {
      for (const length of [0, 1, 1_472, 65_000]) {
        const packet = {
          address: { host, port: 1 },
          payload: seededBytes(length),
        };
        const sealed = sealPacket(key, systemRandomBytes, packet);
        const input = unaligned(sealed);
        assert.deepEqual(openPacket(key, input), packet);
        assert.deepEqual(input, sealed);
      }
    }
  });

  test(`openPacket() refuses every cut and every flipped bit, with ${name}`, () => {
    const key = testKey(name);
    const sealed = sealPacket(key, countingBytes, {
      address: ADDRESS,
      payload: utf8("hi"),
    });
    assert.equal(sealed.length, saltLength + 7 + 2 + 16);
    for (let cut = 0; cut < sealed.length; cut++) {
      assert.throws(
        () => openPacket(key, sealed.subarray(0, cut)),
        hasCode(
          cut < saltLength + 16 ? "ERR_SS_TRUNCATED" : "ERR_SS_AUTHENTICATION",
        ),
      );
    }
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      assert.throws(
        () => openPacket(key, flipBit(sealed, bit)),
        hasCode("ERR_SS_AUTHENTICATION"),
      );
    }
    assert.throws(
      () => openPacket(testKey(name, "another"), sealed),
      hasCode("ERR_SS_AUTHENTICATION"),
    );
  });
}

test("sealPacket() takes a fresh salt for every packet", () => {
  const packet = { address: ADDRESS, payload: utf8("same") };
  const key = testKey();
  const salts = Array.from(
    { length: 50 },
    () => sealPacket(key, systemRandomBytes, packet).subarray(0, 32).toHex(),
  );
  assert.equal(new Set(salts).size, 50);
});

test("openPacket() tells what is wrong with an address that verifies", () => {
  const cases: [string, string][] = [
    ["", "ERR_SS_TRUNCATED"],
    ["01c0000201", "ERR_SS_TRUNCATED"],
    ["0304612e62", "ERR_SS_TRUNCATED"],
    ["11c00002010035", "ERR_SS_ADDRESS_TYPE"],
    ["03000035", "ERR_SS_ADDRESS_INVALID"],
    ["0301200035", "ERR_SS_ADDRESS_INVALID"],
  ];
  const key = testKey();
  for (const [plaintext, code] of cases) {
    assert.throws(
      () => openPacket(key, sealRaw(key, hex(plaintext))),
      hasCode(code),
    );
  }
});

test("sealPacket() and openPacket() give every key back", () => {
  let open = 0;
  const { method } = testKey();
  const key = new MasterKey(method, new Uint8Array(method.keyLength), {
    ...nobleProvider,
    aead: (method, subkey): Aead => {
      open++;
      const aead = nobleProvider.aead(method, subkey);
      return {
        seal: (...args) => aead.seal(...args),
        open: (...args) => aead.open(...args),
        free: () => void open--,
      };
    },
  });
  const sealed = sealPacket(key, systemRandomBytes, {
    address: ADDRESS,
    payload: utf8("x"),
  });
  openPacket(key, sealed);
  assert.throws(() => openPacket(key, flipBit(sealed, 400)));
  assert.throws(() => openPacket(key, sealRaw(key, hex("ff"))));
  assert.equal(open, 0);
});

/** A packet with any plaintext. */
function sealRaw(key: MasterKey, plaintext: Uint8Array): Uint8Array {
  const salt = countingBytes(32);
  const sealed = new Uint8Array(plaintext.length + 16);
  const aead = key.sessionAead(salt);
  aead.seal(new Uint8Array(12), plaintext, sealed);
  aead.free();
  return concat(salt, sealed);
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ProtocolError && error.code === code;
}
