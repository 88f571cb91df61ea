import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { memoryTransport } from "../../../src/adapters/net/memory.ts";
import { concat } from "../../../src/bytes.ts";
import type { StreamSession } from "../../../src/session/stream_protocol.ts";
import { Channel, PLAIN } from "../../../src/streams/channel.ts";
import type { Connection } from "../../../src/transport.ts";
import { utf8 } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";
import { readAll, send } from "../../support/streams.ts";

/** Holds back what it is given until the peer has spoken. */
class Shy implements StreamSession {
  isWaiting = true;
  readonly #held: Uint8Array[] = [];

  seal(payload: Uint8Array): Uint8Array {
    if (!this.isWaiting) return payload;
    this.#held.push(payload.slice());
    return utf8("");
  }

  open(bytes: Uint8Array): { payload: Uint8Array; reply: Uint8Array } {
    this.isWaiting = false;
    return { payload: bytes, reply: concat(...this.#held) };
  }

  end(): void {}

  free(): void {}
}

describe("a channel whose session waits", () => {
  test("writes once, then waits for what is read", async () => {
    const { channel, far } = await start();
    const { signal } = new AbortController();
    const order: string[] = [];
    channel.begin(utf8("first "));
    const writing = channel.write(utf8("second"), signal)
      .then(() => channel.closeWrite())
      .then(() => order.push("written"));
    await settle();
    assert.deepEqual(order, []);
    await send(far, utf8("go"));
    assert.deepEqual(await channel.read(signal), utf8("go"));
    await writing;
    assert.deepEqual(await readAll(far.readable), utf8("first second"));
  });

  test("gives the wait up with its signal, and when it is closed", async () => {
    const { channel } = await start();
    const controller = new AbortController();
    channel.begin(utf8("first"));
    const writing = channel.write(utf8("second"), controller.signal);
    controller.abort(new Error("enough"));
    await assert.rejects(writing, /enough/);
    const closing = channel.closeWrite();
    channel.close();
    await closing.catch(() => {});
  });
});

test("the first payload is given up once it was passed on", async () => {
  const network = memoryTransport();
  const { address } = await network.listen({ host: "127.0.0.1", port: 1 });
  const channel = new Channel(
    await network.dial(address),
    PLAIN,
    utf8("early "),
  );
  assert.deepEqual(channel.first, utf8("early "));
  assert.deepEqual(channel.begin(utf8("more")), utf8("early more"));
  assert.equal(channel.first.length, 0);
  channel.close();
});

async function start(): Promise<{ channel: Channel; far: Connection }> {
  const network = memoryTransport();
  const listener = await network.listen({ host: "127.0.0.1", port: 1 });
  const near = await network.dial(listener.address);
  const far = (await listener.accept())!.connection;
  return { channel: new Channel(near, new Shy()), far };
}
