import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat, writeU16 } from "../../../src/bytes.ts";
import { ChunkOpener } from "../../../src/codec/chunk_opener.ts";
import { ChunkSealer, sealedLength } from "../../../src/codec/chunk_sealer.ts";
import { METHODS } from "../../../src/crypto/method.ts";
import { NonceCounter } from "../../../src/crypto/nonce_counter.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { systemRandomBytes } from "../../../src/random.ts";
import {
  flipBit,
  randomSplit,
  seededBytes,
  unaligned,
} from "../../support/bytes.ts";
import { countingBytes, testKey } from "../../support/keys.ts";

/** Payload lengths around every boundary of a chunk. */
const LENGTHS = [
  ...[1, 2, 16_382, 16_383, 16_384, 32_766, 32_767],
  ...[65_534, 65_535, 65_536, 131_070, 131_071],
];

for (const method of METHODS) {
  const { name, saltLength } = method;
  describe(name, () => {
    const key = testKey(name);

    test("open() inverts seal(), around every chunk boundary", () => {
      for (const length of LENGTHS) {
        const sealer = new ChunkSealer(key, systemRandomBytes);
        const payload = unaligned(seededBytes(length, length));
        const before = payload.slice();
        const stream = sealer.seal(payload);
        assert.deepEqual(payload, before);
        assert.equal(
          stream.length,
          saltLength + sealedLength(length, method.family.maxChunk),
        );
        const opener = new ChunkOpener(key);
        assert.deepEqual(opener.open(unaligned(stream)), before);
        opener.end();
      }
    });

    test("open() takes the stream byte by byte, and any other way", () => {
      const sealer = new ChunkSealer(key, systemRandomBytes);
      const payload = seededBytes(300);
      const stream = concat(sealer.seal(payload), sealer.seal(payload));
      const expected = concat(payload, payload);
      const bytewise = [...stream].map((byte) => Uint8Array.of(byte));
      assert.deepEqual(openAll(key, bytewise), expected);
      for (let cut = 0; cut <= stream.length; cut++) {
        const parts = [stream.subarray(0, cut), stream.subarray(cut)];
        assert.deepEqual(openAll(key, parts), expected);
      }
      for (let seed = 0; seed < 50; seed++) {
        assert.deepEqual(openAll(key, randomSplit(stream, seed)), expected);
      }
    });

    test("open() refuses a bit flipped at any place, and gives out nothing of that chunk", () => {
      const stream = new ChunkSealer(key, countingBytes)
        .seal(seededBytes(20));
      for (let bit = 0; bit < stream.length * 8; bit++) {
        const opener = new ChunkOpener(key);
        assert.throws(
          () => opener.open(flipBit(stream, bit)),
          hasCode("ERR_SS_AUTHENTICATION"),
        );
      }
    });

    test("end() refuses a stream cut at any byte inside a unit", () => {
      const stream = new ChunkSealer(key, countingBytes).seal(seededBytes(9));
      const whole = new Set([0, saltLength, stream.length]);
      for (let cut = 0; cut <= stream.length; cut++) {
        const opener = new ChunkOpener(key);
        opener.open(stream.subarray(0, cut));
        if (whole.has(cut)) opener.end();
        else assert.throws(() => opener.end(), hasCode("ERR_SS_TRUNCATED"));
      }
    });
  });
}

describe("ChunkSealer", () => {
  test("puts the salt in front of the first payload, and only there", () => {
    const sealer = new ChunkSealer(testKey("aes-128-gcm"), countingBytes);
    assert.equal(sealer.seal(new Uint8Array(0)).length, 0);
    const first = sealer.seal(Uint8Array.of(1));
    assert.deepEqual(first.subarray(0, 16), countingBytes(16));
    assert.equal(first.length, 16 + sealedLength(1));
    assert.equal(sealer.seal(Uint8Array.of(1)).length, sealedLength(1));
  });

  test("gives the salt up once it was sent", () => {
    const sealer = new ChunkSealer(testKey(), () => countingBytes(32));
    assert.deepEqual(sealer.salt, countingBytes(32));
    sealer.seal(Uint8Array.of(1));
    assert.throws(() => sealer.salt, TypeError);
    assert.throws(() => sealer.start(new Uint8Array(0), []), TypeError);
  });

  test("splits evenly: no chunk of a few bytes at the end", () => {
    const key = testKey();
    const stream = new ChunkSealer(key, countingBytes)
      .seal(new Uint8Array(16_384));
    // salt | 18 | 8,192 + 16 | 18 | 8,192 + 16
    assert.equal(stream.length, 32 + 2 * (18 + 8_192 + 16));
    const opener = new ChunkOpener(key);
    assert.equal(
      opener.open(stream.subarray(0, 32 + 18 + 8_208)).length,
      8_192,
    );
  });

  test("never makes the same stream twice", () => {
    const key = testKey();
    const payload = seededBytes(10);
    assert.notDeepEqual(
      new ChunkSealer(key, systemRandomBytes).seal(payload),
      new ChunkSealer(key, systemRandomBytes).seal(payload),
    );
  });

  test("refuses to seal after free()", () => {
    const sealer = new ChunkSealer(testKey(), countingBytes);
    sealer.free();
    sealer.free();
    assert.throws(() => sealer.seal(Uint8Array.of(1)), TypeError);
  });
});

describe("ChunkOpener", () => {
  test("refuses lengths with reserved bits, and 0", () => {
    const cases: [number, string][] = [
      [0x4000, "ERR_SS_LENGTH_RESERVED_BITS"],
      [0x8001, "ERR_SS_LENGTH_RESERVED_BITS"],
      [0xffff, "ERR_SS_LENGTH_RESERVED_BITS"],
      [0, "ERR_SS_LENGTH_ZERO"],
    ];
    for (const [length, code] of cases) {
      const opener = new ChunkOpener(testKey());
      assert.throws(() => opener.open(lengthChunk(length)), hasCode(code));
    }
    new ChunkOpener(testKey()).open(lengthChunk(0x3fff));
  });

  test("opens chunks of all sizes, wherever its reads end", () => {
    const key = testKey();
    const sealer = new ChunkSealer(key, systemRandomBytes);
    const payloads = [9_000, 1, 16_383, 100, 16_000, 2, 30_000, 8_100, 3, 5_000]
      .map((length) => seededBytes(length, length));
    const expected = concat(...payloads);
    const stream = concat(...payloads.map((payload) => sealer.seal(payload)));
    for (const size of [17, 900, 4_096, 7_001, 16_384, 20_011, 65_536]) {
      const reads = Array.from(
        { length: Math.ceil(stream.length / size) },
        (_, i) => stream.slice(i * size, (i + 1) * size),
      );
      assert.deepEqual(openAll(key, reads), expected);
    }
  });

  test("stays dead after an error, with the same error", () => {
    const opener = new ChunkOpener(testKey());
    let first: unknown;
    try {
      opener.open(new Uint8Array(60));
    } catch (error) {
      first = error;
    }
    assert.ok(first instanceof ProtocolError);
    const same = (error: unknown): boolean => error === first;
    assert.throws(() => opener.open(new Uint8Array(0)), same);
    assert.throws(() => opener.end(), same);
  });

  test("refuses another key", () => {
    const stream = new ChunkSealer(testKey(), countingBytes)
      .seal(seededBytes(10));
    const opener = new ChunkOpener(testKey("chacha20-ietf-poly1305", "other"));
    assert.throws(() => opener.open(stream), hasCode("ERR_SS_AUTHENTICATION"));
  });

  test("gives the key back on free(), on error and only once made", () => {
    const freed: string[] = [];
    const key = testKey();
    const counting = {
      method: key.method,
      sessionAead: (salt: Uint8Array): ReturnType<typeof key.sessionAead> => {
        const aead = key.sessionAead(salt);
        return {
          seal: (...args) => aead.seal(...args),
          open: (...args) => aead.open(...args),
          free: () => freed.push("freed"),
        };
      },
    } as unknown as typeof key;
    new ChunkOpener(counting).free();
    assert.equal(freed.length, 0);
    const opener = new ChunkOpener(counting);
    assert.throws(() => opener.open(new Uint8Array(60)));
    assert.ok(freed.length > 0);
  });
});

function openAll(
  key: ReturnType<typeof testKey>,
  parts: Uint8Array[],
): Uint8Array {
  const opener = new ChunkOpener(key);
  const out = concat(...parts.map((part) => opener.open(part)));
  opener.end();
  return out;
}

/** Salt and a sealed length, whatever the length. */
function lengthChunk(length: number): Uint8Array {
  const key = testKey();
  const salt = countingBytes(32);
  const plaintext = new Uint8Array(2);
  writeU16(plaintext, 0, length);
  const sealed = new Uint8Array(18);
  key.sessionAead(salt).seal(new NonceCounter(12).next(), plaintext, sealed);
  return concat(salt, sealed);
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ProtocolError && error.code === code;
}
