import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteReader } from "../../../src/streams/byte_reader.ts";
import { drain } from "../../../src/streams/drain.ts";
import { seededBytes } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";
import { streamOf } from "../../support/streams.ts";

const NEVER = new AbortController().signal;

test("drain() reads everything, and says how much", async () => {
  const chunks = [seededBytes(10), seededBytes(90)];
  assert.equal(
    await drain(new ByteReader({ readable: streamOf(...chunks) }), NEVER),
    100,
  );
});

test("drain() ends quietly, when the stream fails", async () => {
  const failing = new ReadableStream<Uint8Array>({
    pull: () => Promise.reject(new Error("reset")),
  });
  assert.equal(await drain(new ByteReader({ readable: failing }), NEVER), 0);
});

test("drain() goes on until its signal", async () => {
  const endless = new ByteReader({
    readable: new ReadableStream<Uint8Array>(),
  });
  const deadline = new AbortController();
  let ended = false;
  const draining = drain(endless, deadline.signal).then(() => ended = true);
  await settle();
  assert.ok(!ended);
  deadline.abort();
  await draining;
  assert.ok(ended);
});
