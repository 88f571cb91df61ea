import assert from "node:assert/strict";
import { inspect } from "node:util";
import { describe, test } from "node:test";
import { MasterKey } from "../../../src/crypto/aead.ts";
import { METHODS } from "../../../src/crypto/method.ts";
import { nobleProvider } from "../../../src/crypto/noble.ts";
import { flipBit, seededBytes, unaligned } from "../../support/bytes.ts";

for (const method of METHODS) {
  describe(`noble ${method.name}`, () => {
    const key = seededBytes(method.keyLength, 7);
    const nonce = seededBytes(method.nonceLength, 8);
    const aead = (): ReturnType<typeof nobleProvider.aead> =>
      nobleProvider.aead(method, key.slice());

    test("open() inverts seal(), at every length and alignment", () => {
      for (const length of [0, 1, 2, 15, 16, 17, 64, 1_000, 16_383]) {
        const plaintext = unaligned(seededBytes(length, length), 1);
        const before = plaintext.slice();
        const sealed = unaligned(new Uint8Array(length + 16), 2);
        aead().seal(unaligned(nonce), plaintext, sealed);
        assert.deepEqual(plaintext, before);
        const opened = new Uint8Array(length);
        assert.ok(aead().open(nonce, sealed, opened));
        assert.deepEqual(opened, before);
      }
    });

    test("open() may write over the front of its input", () => {
      const plaintext = seededBytes(100);
      const sealed = new Uint8Array(116);
      aead().seal(nonce, plaintext, sealed);
      assert.ok(aead().open(nonce, sealed, sealed.subarray(0, 100)));
      assert.deepEqual(sealed.subarray(0, 100), plaintext);
    });

    test("open() is false for any bit flipped", () => {
      const sealed = new Uint8Array(18);
      aead().seal(nonce, Uint8Array.of(0, 5), sealed);
      for (let bit = 0; bit < sealed.length * 8; bit++) {
        const out = new Uint8Array(2);
        assert.equal(aead().open(nonce, flipBit(sealed, bit), out), false);
      }
    });

    test("seal() and open() refuse an output of another size", () => {
      const input = new Uint8Array(20);
      for (const size of [0, 3, 5, 35, 37]) {
        const out = new Uint8Array(size);
        assert.throws(() => aead().seal(nonce, input, out), RangeError);
        assert.throws(() => aead().open(nonce, input, out), RangeError);
      }
    });
  });
}

test("MasterKey refuses a key of another length", () => {
  for (const method of METHODS) {
    for (const length of [0, method.keyLength - 1, method.keyLength + 1]) {
      assert.throws(
        () => new MasterKey(method, new Uint8Array(length), nobleProvider),
        RangeError,
      );
    }
  }
});

test("MasterKey shows its key nowhere", () => {
  const [method] = METHODS;
  const key = new Uint8Array(method!.keyLength).fill(0xab);
  const masterKey = new MasterKey(method!, key, nobleProvider);
  const shown = `${inspect(masterKey, { depth: 9, showHidden: true })} ${
    JSON.stringify(masterKey)
  } ${masterKey}`;
  assert.doesNotMatch(shown, /171|0xab|abab/i);
});
