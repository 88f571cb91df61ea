import assert from "node:assert/strict";
import { test } from "node:test";
import { BufferPool } from "../../src/buffer_pool.ts";
import { MAX_POOLED_BYTES } from "../../src/limits.ts";

test("take() gives the length asked for, at every size", () => {
  const { take } = new BufferPool();
  for (const length of [0, 1, 2_048, 8_383, 8_384, 8_385, 262_144, 600_000]) {
    assert.equal(take(length).length, length);
  }
});

test("take() uses a buffer again that was given back, also in part", () => {
  const pool = new BufferPool();
  const first = pool.take(110_000);
  pool.give(first.subarray(5_000, 50_000));
  assert.equal(pool.pooledBytes, first.buffer.byteLength);
  assert.equal(pool.take(105_000).buffer, first.buffer);
  assert.equal(pool.pooledBytes, 0);
});

test("take() never gives one buffer to two", () => {
  const pool = new BufferPool();
  pool.give(pool.take(100_000));
  assert.notEqual(pool.take(100_000).buffer, pool.take(100_000).buffer);
});

test("give() keeps no buffer that is not the pool's, nor a small one", () => {
  const pool = new BufferPool();
  for (const length of [0, 10, 4_096, 10_000, 262_144]) {
    pool.give(new Uint8Array(length));
  }
  pool.give(pool.take(1_000));
  assert.equal(pool.pooledBytes, 0);
});

test("clear() keeps nothing, and what comes back later is kept again", () => {
  const pool = new BufferPool();
  const out = pool.take(100_000);
  pool.give(pool.take(50_000));
  pool.clear();
  assert.equal(pool.pooledBytes, 0);
  pool.give(out);
  assert.equal(pool.take(100_000).buffer, out.buffer);
});

test("what is not kept is given back to the system at once", () => {
  const pool = new BufferPool();
  const taken = Array.from({ length: 100 }, () => pool.take(500_000));
  for (const bytes of taken) pool.give(bytes);
  const bytesOf = (): number =>
    taken.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  assert.equal(bytesOf(), pool.pooledBytes);
  pool.clear();
  assert.equal(bytesOf(), 0);
});

test("shorten() copies a few bytes, and takes their buffer back", () => {
  const pool = new BufferPool();
  const out = pool.take(100_000);
  out.set([1, 2, 3]);
  const { buffer } = out;
  const few = pool.shorten(out, 3);
  assert.deepEqual([...few], [1, 2, 3]);
  assert.equal(pool.take(100_000).buffer, buffer);
  const many = pool.take(100_000);
  assert.equal(pool.shorten(many, 50_000).buffer, many.buffer);
  assert.equal(pool.pooledBytes, 0);
});

test("give() makes room for the size that is wanted now", () => {
  const pool = new BufferPool();
  const old = Array.from({ length: 100 }, () => pool.take(200_000));
  for (const bytes of old) pool.give(bytes);
  const wanted = Array.from({ length: 100 }, () => pool.take(130_000));
  for (const bytes of wanted) pool.give(bytes);
  assert.ok(pool.pooledBytes <= MAX_POOLED_BYTES);
  const buffers = new Set(wanted.map(({ buffer }) => buffer));
  for (let i = 0; i < 100; i++) {
    assert.ok(buffers.has(pool.take(130_000).buffer));
  }
});

test("give() keeps no more than its bound", () => {
  const pool = new BufferPool();
  const taken = Array.from({ length: 100 }, () => pool.take(500_000));
  for (const bytes of taken) pool.give(bytes);
  assert.ok(pool.pooledBytes <= MAX_POOLED_BYTES);
  assert.ok(pool.pooledBytes > MAX_POOLED_BYTES - 600_000);
});
