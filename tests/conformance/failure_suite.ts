/**
 * Resets, and our own ways to end a connection.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ascii,
  BLOB,
  eventually,
  type Fixture,
  isPending,
  Pair,
  pause,
  receive,
  rejectsWith,
  summary,
  within,
} from "./harness.ts";
import { acceptFrom } from "../support/streams.ts";

/** Registers the tests. */
export function failureSuite(fixture: Fixture): void {
  const { transport } = fixture;
  const { name } = transport;

  test(`${name}: read() and write() fail with ERR_NET_RESET, when the peer resets`, async () => {
    const peer = await within(fixture.resettable());
    const { connection } = peer;
    const reading = connection.readable.getReader().read();
    const writer = connection.writable.getWriter();
    const stalled = writeUntilStalled(writer);
    await stalled.stalled;
    const failures = Promise.all([
      rejectsWith(reading, "ERR_NET_RESET"),
      rejectsWith(stalled.write(), "ERR_NET_RESET"),
    ]);
    peer.reset();
    await within(failures);
    await rejectsWith(writer.write(ascii("more")), "ERR_NET_RESET");
    connection.close();
    await peer.close();
  });

  test(`${name}: write() fails with ERR_NET_RESET, when the peer has closed`, async () => {
    using pair = await Pair.open(transport);
    pair.server.close();
    const writer = pair.client.writable.getWriter();
    await rejectsWith(
      (async () => {
        for (let i = 0; i < 100; i++) {
          await writer.write(ascii("anybody?"));
          await pause(10);
        }
      })(),
      "ERR_NET_RESET",
    );
  });

  test(`${name}: readable ends or fails with ERR_NET_RESET, when the peer closes with unread input`, async () => {
    using pair = await Pair.open(transport);
    const writer = pair.client.writable.getWriter();
    await within(writer.write(ascii("nobody reads this")));
    await pause(50);
    pair.server.close();
    // The system sends FIN, RST or both; the first to arrive counts.
    await within(receive(pair.client.readable)).catch(
      (error) => rejectsWith(Promise.reject(error), "ERR_NET_RESET"),
    );
  });

  test(`${name}: close() ends pending reads and writes with ERR_NET_CLOSED`, async () => {
    using pair = await Pair.open(transport);
    const reader = pair.client.readable.getReader();
    const reading = reader.read();
    const writer = pair.client.writable.getWriter();
    const stalled = writeUntilStalled(writer);
    await stalled.stalled;
    const failures = Promise.all([
      rejectsWith(reading, "ERR_NET_CLOSED"),
      rejectsWith(stalled.write(), "ERR_NET_CLOSED"),
    ]);
    pair.client.close();
    pair.client.close();
    await within(failures);
    await rejectsWith(reader.read(), "ERR_NET_CLOSED");
    await rejectsWith(writer.write(ascii("x")), "ERR_NET_CLOSED");
    await within(pair.client.closeWrite());
  });

  test(`${name}: close() is harmless, when both sides have ended`, async () => {
    using pair = await Pair.open(transport);
    for (const end of [pair.client, pair.server]) await end.writable.close();
    for (const end of [pair.client, pair.server]) {
      await within(receive(end.readable));
      end.close();
      end.close();
    }
  });

  test(`${name}: reset() is seen as a reset, not as an end`, async (t) => {
    if (!transport.capabilities.reset) return t.skip("SKIPPED, it cannot");
    using pair = await Pair.open(transport);
    const { client, server } = pair;
    await client.write!(ascii("cut"));
    await within(server.read!());
    const reading = server.read!();
    client.reset!();
    client.reset!();
    await rejectsWith(reading, "ERR_NET_RESET");
    // The system tells it once; afterwards it would look like an end.
    await rejectsWith(server.read!(), "ERR_NET_RESET");
    await rejectsWith(client.read!(), "ERR_NET_CLOSED");
  });

  test(`${name}: close() delivers what was written, and then the end`, async () => {
    using pair = await Pair.open(transport);
    const { client, server } = pair;
    // More than the peer's system takes at once, of what is not reset by this.
    await within(client.write!(BLOB.subarray(0, 60_000)));
    client.close();
    const received = await within(receive(server.readable));
    assert.deepEqual(received, summary(BLOB.subarray(0, 60_000)));
  });

  test(`${name}: abort() closes the connection, when a write is stalled`, async () => {
    const before = fixture.openHandles();
    {
      using pair = await Pair.open(transport);
      const reading = pair.client.readable.getReader().read();
      const writer = pair.client.writable.getWriter();
      const stalled = writeUntilStalled(writer);
      await stalled.stalled;
      const failures = Promise.all([
        rejectsWith(reading, "ERR_NET_CLOSED"),
        assert.rejects(within(stalled.write())),
      ]);
      await within(writer.abort(new Error("enough")));
      await within(failures);
      const open = fixture.openHandles();
      pair.server.close();
      await eventually(() => fixture.openHandles(), (now) => now < open);
    }
    await eventually(() => fixture.openHandles(), (now) => now <= before);
  });

  test(`${name}: no handle is left, when 200 connections ended in every way`, async () => {
    await exercise(fixture, 10);
    const before = fixture.openHandles();
    await exercise(fixture, 200);
    await eventually(() => fixture.openHandles(), (now) => now <= before);
  });
}

/** Ends connections by turns: half-close, close, abort, cancel, refused. */
async function exercise(
  { transport }: Fixture,
  rounds: number,
): Promise<void> {
  const listener = await transport.listen({ host: "127.0.0.1", port: 0 });
  const unused = await transport.listen({ host: "127.0.0.1", port: 0 });
  unused.close();
  for (let round = 0; round < rounds; round++) {
    const [client, server] = await within(Promise.all([
      transport.dial(listener.address),
      acceptFrom(listener),
    ]));
    assert(server !== undefined);
    switch (round % 5) {
      case 0: {
        const echo = server.readable.pipeTo(server.writable);
        const writer = client.writable.getWriter();
        await writer.write(ascii("round"));
        await writer.close();
        await within(Promise.all([receive(client.readable), echo]));
        break;
      }
      case 1:
        client.close();
        await within(receive(server.readable));
        break;
      case 2:
        await within(client.writable.abort());
        break;
      case 3:
        await within(client.readable.cancel());
        await within(server.writable.getWriter().write(ascii("unread")));
        break;
      case 4:
        await rejectsWith(transport.dial(unused.address), "ERR_NET_REFUSED");
        break;
    }
    client.close();
    server.close();
  }
  listener.close();
}

/** Writes into a connection whose peer does not read. */
function writeUntilStalled(
  writer: WritableStreamDefaultWriter<Uint8Array>,
): { stalled: Promise<void>; write: () => Promise<void> } {
  let write: Promise<void> = Promise.resolve();
  const fill = async (): Promise<void> => {
    do {
      write = writer.write(BLOB.subarray(0, 1_048_576));
      write.catch(() => {});
    } while (!await isPending(write, 100));
  };
  return { stalled: fill(), write: () => write };
}
