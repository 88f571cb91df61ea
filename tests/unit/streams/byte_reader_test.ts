import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteReader } from "../../../src/streams/byte_reader.ts";
import { utf8 } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";
import { streamOf } from "../../support/streams.ts";

test("read() gives chunk after chunk, then undefined", async () => {
  const reader = new ByteReader({
    readable: streamOf(utf8("a"), utf8("b")),
  });
  assert.deepEqual(await reader.read(), utf8("a"));
  assert.deepEqual(await reader.read(), utf8("b"));
  assert.equal(await reader.read(), undefined);
});

test("read() loses no byte, when it takes over what was given up", async () => {
  let enqueue: (text: string) => void = () => {};
  const reader = new ByteReader({
    readable: new ReadableStream({
      start(controller): void {
        enqueue = (text) => controller.enqueue(utf8(text));
      },
    }),
  });
  assert.equal(reader.tryRead(), undefined);
  const next = reader.read();
  enqueue("a");
  enqueue("b");
  assert.deepEqual(await next, utf8("a"));
  assert.deepEqual(await reader.read(), utf8("b"));
});

test("read() takes over the wait that was given up before", async () => {
  let enqueue: (text: string) => void = () => {};
  const reader = new ByteReader({
    readable: new ReadableStream({
      start(controller): void {
        enqueue = (text) => controller.enqueue(utf8(text));
      },
    }),
  });
  await assert.rejects(reader.read(AbortSignal.abort(new Error("no"))), /no/);
  enqueue("a");
  assert.deepEqual(await reader.read(), utf8("a"));
});

test("read() passes the stream's error on", async () => {
  const reader = new ByteReader({
    readable: new ReadableStream({
      pull: () => Promise.reject(new Error("broken")),
    }),
  });
  await assert.rejects(reader.read(), /broken/);
});

test("tryRead() gives nothing yet, then what came, then the end, and tells", async () => {
  let enqueue: (text: string) => void = () => {};
  let end: () => void = () => {};
  const reader = new ByteReader({
    readable: new ReadableStream({
      start(controller): void {
        enqueue = (text) => controller.enqueue(utf8(text));
        end = () => controller.close();
      },
    }),
  });
  let told = 0;
  reader.onReady = () => told++;
  assert.equal(reader.tryRead(), undefined);
  assert.equal(reader.tryRead(), undefined);
  enqueue("a");
  await settle();
  assert.equal(told, 1);
  assert.deepEqual(reader.tryRead(), utf8("a"));
  assert.equal(reader.tryRead(), undefined);
  end();
  await settle();
  assert.equal(told, 2);
  assert.equal(reader.tryRead(), "end");
});

test("tryRead() throws the stream's error", async () => {
  const reader = new ByteReader({
    readable: new ReadableStream({
      pull: () => Promise.reject(new Error("broken")),
    }),
  });
  assert.equal(reader.tryRead(), undefined);
  await settle();
  assert.throws(() => reader.tryRead(), /broken/);
});

test("ask() begins to read, so that tryRead() need not wait", async () => {
  const reader = new ByteReader({ readable: streamOf(utf8("a")) });
  reader.ask();
  reader.ask();
  await settle();
  assert.deepEqual(reader.tryRead(), utf8("a"));
});
