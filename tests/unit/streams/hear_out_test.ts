import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { memoryTransport } from "../../../src/adapters/net/memory.ts";
import { concat } from "../../../src/bytes.ts";
import { Stop } from "../../../src/on_abort.ts";
import { Channel } from "../../../src/streams/channel.ts";
import { hearOut } from "../../../src/streams/hear_out.ts";
import type { Connection } from "../../../src/transport.ts";
import { utf8 } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";

for (const kind of ["at once", "by promises"] as const) {
  describe(`hearOut() on a connection that is read ${kind}`, () => {
    test("takes chunks until it is content, and leaves the rest", async () => {
      const { far, channel } = await pair(kind);
      const listening = listen(channel, 6);
      await far.write!(utf8("one"));
      await settle();
      await far.write!(utf8("two"));
      assert.equal(await listening, "onetwo");
      await far.write!(utf8("three"));
      assert.deepEqual(await channel.reader.read(), utf8("three"));
    });

    test("tells of the end", async () => {
      const { far, channel } = await pair(kind);
      const listening = listen(channel, 6);
      await far.write!(utf8("one"));
      await far.closeWrite();
      assert.equal(await listening, "end");
    });

    test("gives up with the reason of its signal, and loses no byte", async () => {
      const { far, channel } = await pair(kind);
      const stop = new Stop();
      const listening = listen(channel, 6, stop);
      stop.abort(new Error("too late"));
      await assert.rejects(listening, /too late/);
      await far.write!(utf8("one"));
      await settle();
      assert.deepEqual(await channel.reader.read(), utf8("one"));
    });

    test("hears nothing, when its signal is aborted already", async () => {
      const { far, channel } = await pair(kind);
      const stop = new Stop();
      stop.abort(new Error("too late"));
      await far.write!(utf8("one"));
      await assert.rejects(listen(channel, 1, stop), /too late/);
      assert.deepEqual(await channel.reader.read(), utf8("one"));
    });

    test("ends with what a chunk made it throw", async () => {
      const { far, channel } = await pair(kind);
      let calls = 0;
      const listening = hearOut(channel, () => {
        calls++;
        throw new Error("nonsense");
      }, new Stop());
      await far.write!(utf8("one"));
      await assert.rejects(listening, /nonsense/);
      await far.write!(utf8("two"));
      await settle();
      assert.equal(calls, 1);
      assert.deepEqual(await channel.reader.read(), utf8("two"));
    });

    test("fails as its connection does", async () => {
      const { far, channel } = await pair(kind);
      const listening = listen(channel, 6);
      far.reset!();
      await assert.rejects(listening, { code: "ERR_NET_RESET" });
    });
  });
}

/** Hears text of so many bytes, or the end. */
function listen(
  channel: Channel,
  length: number,
  signal = new Stop(),
): Promise<string> {
  let heard = utf8("");
  return hearOut(channel, (chunk) => {
    if (chunk === "end") return "end";
    heard = concat(heard, chunk);
    return heard.length < length ? undefined : new TextDecoder().decode(heard);
  }, signal);
}

async function pair(
  kind: "at once" | "by promises",
): Promise<{ far: Connection; channel: Channel }> {
  const network = memoryTransport();
  const listener = await network.listen({ host: "127.0.0.1", port: 1 });
  const far = await network.dial({ host: "127.0.0.1", port: 1 });
  const { connection } = (await listener.accept())!;
  const channel = new Channel(
    kind === "at once" ? connection : byPromises(connection),
  );
  return { far, channel };
}

/** The same connection with none of what is done at once. */
function byPromises(connection: Connection): Connection {
  const { local, remote, readable, writable } = connection;
  return {
    ...{ local, remote, readable, writable },
    read: () => connection.read!(),
    write: (chunk) => connection.write!(chunk),
    closeWrite: () => connection.closeWrite(),
    close: () => connection.close(),
  };
}
