import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { memoryTransport } from "../../../src/adapters/net/memory.ts";
import { concat } from "../../../src/bytes.ts";
import { BufferPool } from "../../../src/buffer_pool.ts";
import { TransportError } from "../../../src/errors.ts";
import type { StreamSession } from "../../../src/session/stream_protocol.ts";
import type { ByteReader } from "../../../src/streams/byte_reader.ts";
import { Channel, PLAIN } from "../../../src/streams/channel.ts";
import { type Passage, relay } from "../../../src/streams/relay.ts";
import type { Connection } from "../../../src/transport.ts";
import { seededBytes, utf8 } from "../../support/bytes.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import {
  acceptFrom,
  observe,
  readAll,
  readExactly,
  send,
} from "../../support/streams.ts";

for (const kind of ["at once", "by promises"]) {
  const options = { byPromises: kind === "by promises" };

  describe(`relay() of connections that are read ${kind}`, () => {
    test("copies both ways, whatever the sizes, and ends when both have", async () => {
      const { near, far, relaying } = await start({}, {}, utf8(""), options);
      for (const [from, to] of [[near, far], [far, near]] as const) {
        const body = seededBytes(300_000);
        const sending = send(from, body).then(() => from.closeWrite());
        assert.deepEqual(await readAll(to.readable), body);
        await sending;
      }
      await relaying;
    });

    test("fails with ERR_NET_RESET, when a peer resets", async () => {
      const { far, relaying } = await start({}, {}, utf8(""), options);
      far.reset();
      await assert.rejects(relaying, hasCode("ERR_NET_RESET"));
    });

    test("keeps the rate that passage.pass() asks for", async () => {
      const { near, far, relaying, clock } = await start(
        {},
        { pass: () => 700 },
        utf8(""),
        options,
      );
      const seen = observe(far);
      await send(near, utf8("slowly"));
      await clock.advance(699);
      assert.deepEqual(seen().received, utf8(""));
      await clock.advance(1);
      assert.deepEqual(seen().received, utf8("slowly"));
      near.reset!();
      await assert.rejects(relaying);
      await settle();
      assert.equal(clock.pending, 0);
    });

    test("waits for no rate any more, when it is stopped", async () => {
      const { near, relaying, clock, controller } = await start(
        {},
        { pass: () => 700 },
        utf8(""),
        options,
      );
      await send(near, utf8("slowly"));
      await settle();
      controller.abort(new Error("shutdown"));
      await assert.rejects(relaying, /shutdown/);
      assert.equal(clock.pending, 0);
    });

    test("stalls the sender while the receiver does not read, and continues when it does", async () => {
      const { near, far } = await start({}, {}, utf8(""), options);
      const body = seededBytes(1_000_000);
      let isSent = false;
      const sending = send(near, body).then(() => isSent = true);
      await settle();
      assert.equal(isSent, false);
      const receiving = readExactly(far, body.length);
      assert.deepEqual(await receiving, body);
      await sending;
      near.close();
    });
  });
}

describe("relay()", () => {
  test("copies both ways, and ends when both sides have ended", async () => {
    const { near, far, relaying } = await start();
    await send(near, utf8("question"));
    assert.deepEqual(await readExactly(far, 8), utf8("question"));
    await send(far, utf8("answer"));
    assert.deepEqual(await readExactly(near, 6), utf8("answer"));
    await near.closeWrite();
    assert.deepEqual(await readAll(far.readable), utf8(""));
    await far.closeWrite();
    await relaying;
  });

  test("passes the end of one side on, while the other goes on", async () => {
    const { near, far, relaying } = await start();
    await near.closeWrite();
    assert.deepEqual(await readAll(far.readable), utf8(""));
    const body = seededBytes(300_000);
    const sending = send(far, body).then(() => far.closeWrite());
    assert.deepEqual(await readAll(near.readable), body);
    await sending;
    await relaying;
  });

  test("writes what comes first before anything else", async () => {
    const { near, far } = await start({}, {}, utf8("first "));
    await send(near, utf8("second"));
    assert.deepEqual(await readExactly(far, 12), utf8("first second"));
  });

  test("counts payload, not the bytes it came in", async () => {
    const counted: unknown[][] = [];
    const { near, far } = await start({
      open: (chunk) => ({ payload: new Uint8Array(chunk.length * 2) }),
    }, {
      pass: (...what) => {
        counted.push(what);
        return 0;
      },
    });
    await send(near, utf8("abc"));
    await readExactly(far, 6);
    assert.deepEqual(counted, [["up", 6]]);
  });

  test("passes nothing of what passage.pass() refuses", async () => {
    const { near, far, relaying } = await start({}, {
      pass: () => {
        throw new Error("enough");
      },
    });
    await send(near, utf8("x"));
    await assert.rejects(relaying, /enough/);
    far.close();
  });

  test("sends a session's own reply to the side it came from", async () => {
    const { near, far } = await start({
      open: (bytes) => ({ payload: bytes, reply: utf8("own ") }),
    });
    await send(near, utf8("question"));
    assert.deepEqual(await readExactly(near, 4), utf8("own "));
    assert.deepEqual(await readExactly(far, 8), utf8("question"));
    await send(far, utf8("answer"));
    assert.deepEqual(await readExactly(near, 6), utf8("answer"));
  });

  test("stalls the sender while the receiver does not read", async () => {
    const { near } = await start();
    let written = 0;
    const writer = near.writable.getWriter();
    const writing = (async () => {
      for (let i = 0; i < 64; i++) {
        await writer.write(new Uint8Array(65_536));
        written++;
      }
    })();
    writing.catch(() => {});
    await settle();
    assert.ok(
      written < 8,
      `${written} chunks of 64 KiB went into a stalled relay`,
    );
    near.close();
  });

  test("fails with what a conversion throws", async () => {
    const { near, relaying } = await start({
      open: () => {
        throw new Error("not convertible");
      },
    });
    await send(near, utf8("x"));
    await assert.rejects(relaying, /not convertible/);
  });

  test("loses no byte of a source it fails to copy", async () => {
    const { near, far, reader, relaying } = await start({
      open: () => {
        throw new Error("not convertible");
      },
    });
    await send(near, utf8("x"));
    await assert.rejects(relaying);
    await send(near, utf8("later"));
    assert.deepEqual(await reader.read(), utf8("later"));
    far.close();
  });

  test("fails with what end() throws, before the sink is closed", async () => {
    const { near, b, relaying } = await start({
      end: () => {
        throw new Error("truncated");
      },
    });
    await near.closeWrite();
    await assert.rejects(relaying, /truncated/);
    b.close();
  });

  test("fails with ERR_NET_RESET, when a peer resets", async () => {
    const { far, relaying } = await start();
    await send(far, utf8("unread"));
    far.reset();
    await assert.rejects(relaying, hasCode("ERR_NET_RESET"));
  });

  test("fails when nothing moves for the idle time, and not before", async () => {
    const { near, far, relaying, clock } = await start();
    let failed = false;
    relaying.catch(() => failed = true);
    await clock.advance(900);
    await send(near, utf8("x"));
    await readExactly(far, 1);
    await clock.advance(900);
    assert.ok(!failed);
    await clock.advance(100);
    await assert.rejects(relaying, hasCode("ERR_NET_IDLE"));
    assert.equal(clock.pending, 0);
  });

  test("waits as long for the side that answers, once the other has ended", async () => {
    const { near, far, relaying, clock } = await start();
    await near.closeWrite();
    await readAll(far.readable);
    await clock.advance(900);
    await send(far, utf8("late"));
    assert.deepEqual(await readExactly(near, 4), utf8("late"));
    const failing = assert.rejects(relaying, hasCode("ERR_NET_IDLE"));
    await clock.advance(1_000);
    await failing;
  });

  test("leaves no timer, when it fails while one side ends", async () => {
    const scene = await start({
      end: () => scene.controller.abort(new Error("enough")),
    });
    await scene.near.closeWrite();
    await assert.rejects(scene.relaying, /enough/);
    await settle();
    assert.equal(scene.clock.pending, 0);
  });

  test("reads no more, and ends nothing, while a session holds back", async () => {
    const held: Uint8Array[] = [];
    let isWaiting = true;
    const { near, far, relaying } = await start({
      get isWaiting(): boolean {
        return isWaiting;
      },
      seal: (payload) => {
        if (!isWaiting) return payload;
        held.push(payload.slice());
        return utf8("");
      },
      open: (bytes) => {
        isWaiting = false;
        return { payload: bytes, reply: concat(utf8("held "), ...held) };
      },
    });
    await send(far, utf8("answer"));
    await far.closeWrite();
    await settle();
    assert.deepEqual(held, []);
    await send(near, utf8("go"));
    await near.closeWrite();
    assert.deepEqual(await readAll(near.readable), utf8("held answer"));
    assert.deepEqual(await readAll(far.readable), utf8("go"));
    await relaying;
  });

  test("gives the wait for a session up when it is stopped", async () => {
    const { far, relaying, controller } = await start({ isWaiting: true });
    await send(far, utf8("answer"));
    await settle();
    controller.abort(new Error("shutdown"));
    await assert.rejects(relaying, /shutdown/);
    await settle();
  });

  test("fails with the reason of its signal", async () => {
    const { relaying, controller } = await start();
    controller.abort(new Error("shutdown"));
    await assert.rejects(relaying, /shutdown/);
  });
});

/** As an adapter's that cannot read and write at once. */
function withoutTries(connection: Connection): Connection {
  return {
    local: connection.local,
    remote: connection.remote,
    readable: connection.readable,
    writable: connection.writable,
    read: () => connection.read!(),
    write: (chunk) => connection.write!(chunk),
    closeWrite: () => connection.closeWrite(),
    close: () => connection.close(),
  };
}

/** near ⇄ [a — relay — b] ⇄ far, over memory. */
async function start(
  session: Partial<StreamSession> = {},
  passage: Partial<Passage> = {},
  first: Uint8Array = utf8(""),
  { byPromises = false } = {},
): Promise<{
  near: Connection;
  reader: ByteReader;
  b: Connection;
  far: Awaited<ReturnType<ReturnType<typeof memoryTransport>["dial"]>>;
  relaying: Promise<void>;
  clock: FakeClock;
  controller: AbortController;
}> {
  const network = memoryTransport();
  const left = await network.listen({ host: "127.0.0.1", port: 1 });
  const right = await network.listen({ host: "127.0.0.1", port: 2 });
  const near = await network.dial(left.address);
  const kind = byPromises ? withoutTries : (one: Connection) => one;
  const a = kind((await acceptFrom(left))!);
  const far = await network.dial(right.address);
  const b = kind((await acceptFrom(right))!);
  const clock = new FakeClock();
  const controller = new AbortController();
  const client = new Channel(
    a,
    Object.defineProperties(
      { ...PLAIN },
      Object.getOwnPropertyDescriptors(session),
    ),
  );
  const { reader } = client;
  const relaying = relay(
    client,
    new Channel(b),
    { pass: () => 0, ...passage },
    {
      buffers: new BufferPool(),
      clock,
      idleTimeoutMs: 1_000,
      signals: [controller.signal],
    },
    { up: first },
  );
  relaying.catch(() => {});
  return { near, reader, b, far, relaying, clock, controller };
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof TransportError && error.code === code;
}
