import assert from "node:assert/strict";
import { test } from "node:test";
import { HashIndex } from "../../../../src/session/shadowsocks2022/hash_index.ts";
import { seededBytes, seededRandom } from "../../../support/bytes.ts";

/** Many of them have one place, and some wrap around the end. */
function hashOf(i: number): Uint8Array {
  const hash = seededBytes(16, i);
  hash.fill(i % 3 === 0 ? 0xff : i % 5, 0, 4);
  return hash;
}

test("HashIndex is as a Map, whatever comes and goes", () => {
  const next = seededRandom(7);
  const index = new HashIndex<string>();
  const model = new Map<number, string>();
  for (let step = 0; step < 20_000; step++) {
    const key = next() % 300;
    if (next() % 3 > 0) {
      index.set(hashOf(key), `${step}`);
      model.set(key, `${step}`);
    } else {
      index.delete(hashOf(key));
      model.delete(key);
    }
    assert.equal(index.size, model.size);
    const asked = next() % 300;
    assert.equal(index.get(hashOf(asked)), model.get(asked));
  }
  for (let key = 0; key < 300; key++) {
    assert.equal(index.get(hashOf(key)), model.get(key));
  }
});

test("HashIndex keeps no view of a hash, and tells every bit", () => {
  const index = new HashIndex<number>();
  const hash = seededBytes(16);
  index.set(hash, 1);
  for (let bit = 0; bit < 128; bit++) {
    const changed = hash.slice();
    changed[bit >>> 3]! ^= 1 << (bit & 7);
    assert.equal(index.get(changed), undefined);
  }
  const copy = hash.slice();
  hash.fill(0);
  assert.equal(index.get(copy), 1);
});
