import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { systemKeyStreams } from "../../src/adapters/crypto/providers.ts";
import type {
  KeyStreamDirection,
  KeyStreamProvider,
} from "../../src/crypto/key_stream.ts";
import { makeTable } from "../../src/crypto/key_streams/table.ts";
import { randomSplit, unaligned } from "../support/bytes.ts";
import {
  STREAM_TEXT,
  STREAM_VECTORS,
  type StreamVector,
} from "../support/stream_vectors.ts";
import vectors from "./stream.json" with { type: "json" };

for (const result of systemKeyStreams()) {
  if (!("provider" in result)) continue;
  const { provider } = result;
  describe(provider.name, () => {
    for (const vector of STREAM_VECTORS) {
      if (provider.lacks(vector.method) !== undefined) continue;
      describe(vector.method.name, () => checkVector(provider, vector));
    }
  });
}

test("ShadowsocksR's table is made of the MD5 of the derived key", () => {
  const vector = vectors.methods["table (ssr variant)"];
  const key = Uint8Array.fromHex(vector.key);
  const digest = new Uint8Array(createHash("md5").update(key).digest());
  const table = makeTable(digest, "encrypt");
  assert.equal(
    STREAM_TEXT.subarray(0, 300).map((byte) => table[byte]!).toHex(),
    vector.ct300,
  );
});

function checkVector(provider: KeyStreamProvider, vector: StreamVector): void {
  const { method, key, iv, turned } = vector;
  const text = STREAM_TEXT.subarray(0, turned.length);

  function turn(
    direction: KeyStreamDirection,
    parts: readonly Uint8Array[],
  ): Uint8Array {
    const stream = provider.keyStream(method, key, iv, direction);
    const outs = parts.map((part) => {
      const out = new Uint8Array(part.length);
      stream.apply(part, out);
      return out;
    });
    stream.free();
    stream.free();
    return Uint8Array.from(outs.flatMap((out) => [...out]));
  }

  test("whole, both ways, at any offset in memory", () => {
    assert.deepEqual(turn("encrypt", [unaligned(text)]), turned);
    assert.deepEqual(turn("decrypt", [unaligned(turned)]), text);
  });

  test("byte by byte, both ways", () => {
    const bytes = (all: Uint8Array): Uint8Array[] =>
      Array.from(all, (byte) => Uint8Array.of(byte));
    assert.deepEqual(turn("encrypt", bytes(text)), turned);
    assert.deepEqual(turn("decrypt", bytes(turned)), text);
  });

  test("split once at every byte of the first 130, and at random", () => {
    for (let at = 0; at <= 130; at++) {
      const parts = [text.subarray(0, at), text.subarray(at)];
      assert.deepEqual(turn("encrypt", parts), turned);
    }
    for (let seed = 1; seed <= 20; seed++) {
      assert.deepEqual(turn("encrypt", randomSplit(text, seed)), turned);
      assert.deepEqual(turn("decrypt", randomSplit(turned, seed)), text);
    }
  });

  test("truncated anywhere: the beginning of what the whole gives", () => {
    for (let length = 0; length <= 130; length++) {
      assert.deepEqual(
        turn("encrypt", [text.subarray(0, length)]),
        turned.subarray(0, length),
      );
    }
  });

  test("70,000 bytes in place", () => {
    const long = STREAM_TEXT.slice();
    const stream = provider.keyStream(method, key, iv, "encrypt");
    stream.apply(long.subarray(0, 17), long.subarray(0, 17));
    stream.apply(long.subarray(17), long.subarray(17));
    stream.free();
    const digest = createHash("sha256").update(long).digest("hex");
    assert.equal(digest, vector.longDigest);
  });
}
