import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../../../src/streams/byte_writer.ts";
import { utf8 } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";

test("tryWrite() takes nothing, then all, where the stream is asked, and tells", async () => {
  const written: Uint8Array[] = [];
  let finish: () => void = () => {};
  const writer = new ByteWriter({
    writable: new WritableStream({
      write(chunk): Promise<void> {
        written.push(chunk);
        return new Promise((resolve) => finish = resolve);
      },
    }),
    closeWrite: () => Promise.resolve(),
  });
  let told = 0;
  writer.onReady = () => told++;
  const chunk = utf8("abc");
  assert.equal(writer.tryWrite(chunk), 0);
  await settle();
  assert.equal(writer.tryWrite(chunk), 0);
  assert.equal(told, 0);
  finish();
  await settle();
  assert.equal(told, 1);
  assert.equal(writer.tryWrite(chunk), 3);
  assert.deepEqual(written, [chunk]);
});

test("tryWrite() throws what the write failed with", async () => {
  const writer = new ByteWriter({
    writable: new WritableStream({
      write: () => Promise.reject(new Error("broken")),
    }),
    closeWrite: () => Promise.resolve(),
  });
  assert.equal(writer.tryWrite(utf8("abc")), 0);
  await settle();
  assert.throws(() => writer.tryWrite(utf8("abc")), /broken/);
});

test("writeNow() gives the rest that is to be written", () => {
  const target = {
    writable: new WritableStream<Uint8Array>(),
    write: () => Promise.resolve(),
    closeWrite: () => Promise.resolve(),
  };
  const asked = new ByteWriter(target);
  assert.deepEqual(asked.writeNow(utf8("abc")), utf8("abc"));
  const ready = new ByteWriter({ ...target, tryWrite: () => 2 });
  assert.deepEqual(ready.writeNow(utf8("abc")), utf8("c"));
});
