/**
 * Bytes in order, both ways, with backpressure and half-close.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CAPABILITIES } from "./capabilities.ts";
import {
  ascii,
  BLOB,
  type Fixture,
  isPending,
  Pair,
  receive,
  rejectsWith,
  send,
  summary,
  within,
} from "./harness.ts";

/** Registers the tests. */
export function streamSuite({ transport }: Fixture): void {
  const { name } = transport;

  test(`${name}: a connection echoes, when one side sends back what it reads`, async () => {
    using pair = await Pair.open(transport);
    const echo = pair.server.readable.pipeTo(pair.server.writable);
    const writer = pair.client.writable.getWriter();
    await writer.write(ascii("hello"));
    await writer.close();
    assert.deepEqual(
      await within(receive(pair.client.readable)),
      summary(ascii("hello")),
    );
    await within(echo);
  });

  test(`${name}: readable goes on, when the client has ended first`, async () => {
    using pair = await Pair.open(transport);
    await within(pair.client.writable.close());
    assert.equal((await within(receive(pair.server.readable))).length, 0);
    const [received] = await within(Promise.all([
      receive(pair.client.readable),
      send(pair.server.writable, BLOB).then(() => pair.server.closeWrite()),
    ]));
    assert.deepEqual(received, summary(BLOB));
  });

  test(`${name}: writable goes on, when the server has ended first`, async () => {
    using pair = await Pair.open(transport);
    await within(pair.server.writable.close());
    assert.equal((await within(receive(pair.client.readable))).length, 0);
    const [received] = await within(Promise.all([
      receive(pair.server.readable),
      send(pair.client.writable, BLOB).then(() => pair.client.closeWrite()),
    ]));
    assert.deepEqual(received, summary(BLOB));
  });

  test(`${name}: both directions carry 8 MiB, when used at once`, async () => {
    using pair = await Pair.open(transport);
    const { client, server } = pair;
    const [up, down] = await within(Promise.all([
      receive(server.readable),
      receive(client.readable),
      send(client.writable, BLOB).then(() => client.writable.close()),
      // One write that no buffer can take whole.
      send(server.writable, BLOB, BLOB.length).then(() =>
        server.writable.close()
      ),
    ]));
    assert.deepEqual(up, summary(BLOB));
    assert.deepEqual(down, summary(BLOB));
  });

  test(`${name}: write() waits, when the peer does not read, and goes on when it does`, async () => {
    using pair = await Pair.open(transport);
    const writer = pair.client.writable.getWriter();
    const chunk = BLOB.subarray(0, 65_536);
    let taken = 0;
    let last = writer.write(chunk);
    const { maxInFlight } = CAPABILITIES[name]!;
    while (!await isPending(last)) {
      taken += chunk.length;
      assert(taken <= maxInFlight, `${taken} bytes taken`);
      last = writer.write(chunk);
    }
    const total = taken + chunk.length;
    const expected = new Uint8Array(total);
    for (let at = 0; at < total; at += chunk.length) expected.set(chunk, at);
    const [received] = await within(Promise.all([
      receive(pair.server.readable, total),
      last,
    ]));
    assert.deepEqual(received, summary(expected));
  });

  test(`${name}: closeWrite() sends FIN behind everything written, when writable is locked`, async () => {
    using pair = await Pair.open(transport);
    const writer = pair.client.writable.getWriter();
    const size = BLOB.length / 4;
    const writes = [0, 1, 2, 3].map((i) =>
      writer.write(BLOB.subarray(i * size, (i + 1) * size))
    );
    const ended = pair.client.closeWrite();
    const received = await within(receive(pair.server.readable));
    assert.deepEqual(received, summary(BLOB));
    await within(Promise.all([...writes, ended]));
    await pair.client.closeWrite();
    await rejectsWith(writer.write(ascii("late")), "ERR_NET_CLOSED");
    await within(send(pair.server.writable, ascii("answer")));
    assert.equal((await within(receive(pair.client.readable, 6))).length, 6);
  });

  test(`${name}: cancel() leaves writable as it is`, async () => {
    using pair = await Pair.open(transport);
    await within(pair.client.readable.cancel());
    await within(send(pair.client.writable, ascii("still here")));
    await within(pair.client.writable.close());
    assert.deepEqual(
      await within(receive(pair.server.readable)),
      summary(ascii("still here")),
    );
  });

  test(`${name}: releaseLock() loses no byte, when a read is pending`, async () => {
    using pair = await Pair.open(transport);
    for (const text of ["first", "second", "third"]) {
      const reader = pair.client.readable.getReader();
      const abandoned = assert.rejects(reader.read(), TypeError);
      reader.releaseLock();
      await abandoned;
      await within(send(pair.server.writable, ascii(text)));
      assert.deepEqual(
        await within(receive(pair.client.readable, text.length)),
        summary(ascii(text)),
      );
    }
  });

  test(`${name}: a chunk stays what it was, when more is read`, async () => {
    using pair = await Pair.open(transport);
    const reader = pair.client.readable.getReader();
    const writer = pair.server.writable.getWriter();
    const chunks: Uint8Array[] = [];
    for (let i = 0; i < 20; i++) {
      await writer.write(BLOB.subarray(i * 500, (i + 1) * 500));
      chunks.push((await within(reader.read())).value!);
    }
    // Each was read as it came, so 20 times the same length.
    chunks.forEach((chunk, i) =>
      assert.deepEqual(chunk, BLOB.slice(i * 500, (i + 1) * 500))
    );
  });
}
