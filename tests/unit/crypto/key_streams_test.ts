import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ArxKeyStream } from "../../../src/crypto/key_streams/arx.ts";
import { referenceKeyStreams } from "../../../src/crypto/key_streams/reference.ts";
import {
  findStreamMethod,
  STREAM_METHODS,
} from "../../../src/crypto/stream_methods.ts";
import { PolicyError } from "../../../src/errors.ts";
import { MAX_ARX_BLOCKS } from "../../../src/limits.ts";
import { flipBit, seededBytes } from "../../support/bytes.ts";

describe("referenceKeyStreams", () => {
  for (const method of STREAM_METHODS) {
    const { name, keyLength, ivLength } = method;
    const key = seededBytes(keyLength, 2);
    const iv = seededBytes(ivLength, 3);
    if (referenceKeyStreams.lacks(method) !== undefined) {
      test(`refuses ${name}, and says what it needs`, () => {
        assert.equal(
          referenceKeyStreams.lacks(method),
          `${name} needs libcrypto: noble does not have it`,
        );
        assert.throws(
          () => referenceKeyStreams.keyStream(method, key, iv, "encrypt"),
          RangeError,
        );
      });
      continue;
    }
    test(`${name} refuses an output of another size, and goes on`, () => {
      const stream = referenceKeyStreams.keyStream(method, key, iv, "encrypt");
      const input = new Uint8Array(30);
      for (const size of [0, 29, 31]) {
        assert.throws(
          () => stream.apply(input, new Uint8Array(size)),
          RangeError,
        );
      }
      stream.apply(input, new Uint8Array(30));
      stream.free();
    });

    test(`${name} does not change its key, its IV and its input`, () => {
      const [keyBefore, ivBefore] = [key.slice(), iv.slice()];
      const input = seededBytes(100);
      const stream = referenceKeyStreams.keyStream(method, key, iv, "decrypt");
      stream.apply(input, new Uint8Array(100));
      stream.free();
      assert.deepEqual([key, iv, input], [
        keyBefore,
        ivBefore,
        seededBytes(100),
      ]);
    });
  }
});

describe("a flipped bit is not noticed: it comes out as", () => {
  /** Bytes that come out changed, and whether the flipped bit is one of them. */
  function changed(name: string, bit: number): number[] {
    const method = findStreamMethod(name)!;
    const key = seededBytes(method.keyLength);
    const iv = seededBytes(method.ivLength);
    const text = seededBytes(80);
    const turned = new Uint8Array(80);
    referenceKeyStreams.keyStream(method, key, iv, "encrypt")
      .apply(text, turned);
    const read = new Uint8Array(80);
    referenceKeyStreams.keyStream(method, key, iv, "decrypt")
      .apply(flipBit(turned, bit), read);
    if (name !== "table") {
      assert.equal(
        read[bit >>> 3],
        text[bit >>> 3]! ^ 1 << (bit & 7),
        "the attacker chooses the bit",
      );
    }
    return [...read.keys()].filter((at) => read[at] !== text[at]);
  }

  const ONE_BYTE = [
    ...["aes-256-ctr", "aes-256-ofb", "rc4", "rc4-md5", "salsa20", "chacha20"],
    ...["chacha20-ietf", "xchacha20", "xsalsa20", "table", "none"],
  ];
  for (const name of ONE_BYTE) {
    test(`another byte, in ${name}`, () => {
      assert.deepEqual(changed(name, 8 * 20 + 3), [20]);
    });
  }

  test("another byte and the block after it, in aes-256-cfb", () => {
    const at = changed("aes-256-cfb", 8 * 20 + 3);
    assert.equal(at[0], 20);
    assert.ok(at.slice(1).every((byte) => byte >= 32 && byte < 48));
  });

  test("another byte and the 16 bytes after it, in aes-256-cfb8", () => {
    const at = changed("aes-256-cfb8", 8 * 20 + 3);
    assert.equal(at[0], 20);
    assert.ok(at.slice(1).every((byte) => byte <= 36));
  });
});

describe("AES-CTR", () => {
  test("counts over all 16 bytes", () => {
    const method = findStreamMethod("aes-128-ctr")!;
    const key = seededBytes(16);
    const text = new Uint8Array(32);
    const high = new Uint8Array(32);
    const zero = new Uint8Array(16);
    const all = new Uint8Array(16).fill(0xff);
    referenceKeyStreams.keyStream(method, key, all, "encrypt")
      .apply(text, high);
    const low = new Uint8Array(16);
    referenceKeyStreams.keyStream(method, key, zero, "encrypt")
      .apply(text.subarray(16), low);
    assert.deepEqual(high.subarray(16), low);
  });
});

test("ArxKeyStream ends where its counter does", () => {
  for (const { name, ivLength } of STREAM_METHODS) {
    if (!/salsa|chacha/.test(name)) continue;
    const make = (first: number): ArxKeyStream =>
      new ArxKeyStream(
        name as "chacha20",
        seededBytes(32),
        seededBytes(ivLength),
        first,
      );
    const last = make(MAX_ARX_BLOCKS - 1);
    last.apply(new Uint8Array(64), new Uint8Array(64));
    assert.throws(
      () => last.apply(new Uint8Array(1), new Uint8Array(1)),
      (error) =>
        error instanceof PolicyError && error.code === "ERR_POLICY_LIMIT",
    );
  }
});
