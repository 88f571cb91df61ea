import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteReader } from "../../../src/streams/byte_reader.ts";
import { utf8 } from "../../support/bytes.ts";
import { readAll, streamOf } from "../../support/streams.ts";

test("read() gives chunk after chunk, then undefined", async () => {
  const reader = new ByteReader(streamOf(utf8("a"), utf8("b")));
  assert.deepEqual(await reader.read(), utf8("a"));
  assert.deepEqual(await reader.read(), utf8("b"));
  assert.equal(await reader.read(), undefined);
});

test("release() loses no byte, also of a wait that was given up", async () => {
  let enqueue: (text: string) => void = () => {};
  let close: () => void = () => {};
  const readable = new ReadableStream<Uint8Array>({
    start(controller): void {
      enqueue = (text) => controller.enqueue(utf8(text));
      close = () => controller.close();
    },
  }, { highWaterMark: 0 });
  const reader = new ByteReader(readable);
  const patience = new AbortController();
  const waiting = reader.read(patience.signal);
  patience.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  reader.release();
  reader.release();
  enqueue("late");
  close();
  assert.deepEqual(await readAll(readable), utf8("late"));
});

test("read() takes over the wait that was given up before", async () => {
  let enqueue: (text: string) => void = () => {};
  const reader = new ByteReader(
    new ReadableStream({
      start(controller): void {
        enqueue = (text) => controller.enqueue(utf8(text));
      },
    }),
  );
  await assert.rejects(reader.read(AbortSignal.abort(new Error("no"))), /no/);
  enqueue("a");
  assert.deepEqual(await reader.read(), utf8("a"));
});

test("read() passes the stream's error on", async () => {
  const reader = new ByteReader(
    new ReadableStream({ pull: () => Promise.reject(new Error("broken")) }),
  );
  await assert.rejects(reader.read(), /broken/);
});
