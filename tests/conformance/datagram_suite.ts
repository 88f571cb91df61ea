/**
 * UDP sockets: sizes, families, bounds, and what the network says back.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_QUEUED_DATAGRAMS } from "../../src/limits.ts";
import type {
  Datagram,
  DatagramSocket,
  Endpoint,
} from "../../src/transport.ts";
import {
  ascii,
  BLOB,
  eventually,
  type Fixture,
  isPending,
  pause,
  rejectsWith,
  within,
} from "./harness.ts";

/** Bytes of the largest datagram over IPv4. */
const MAX_IPV4_PAYLOAD = 65_507;

const ONE_AT_A_TIME = "SKIPPED, it sends one datagram at a time";

const HERE = { host: "127.0.0.1", port: 0 };

/** Registers the tests. */
export function datagramSuite({ transport, openHandles }: Fixture): void {
  const { name } = transport;

  for (const host of ["127.0.0.1", "::1"]) {
    test(`${name}: datagrams of every size arrive whole, over ${host}`, async (t) => {
      let pair: Sockets;
      try {
        pair = await Sockets.bind(transport, host, host);
      } catch (error) {
        if (host === "127.0.0.1") throw error;
        return t.skip(`SKIPPED, this machine has no ::1: ${error}`);
      }
      using _ = pair;
      const { near, far } = pair;
      assert.equal(near.address.host, host);
      assert.notEqual(near.address.port, 0);
      for (const length of [0, 1, 512, 1_200, 1_472, 9_000, MAX_IPV4_PAYLOAD]) {
        // A view that starts somewhere in its buffer.
        const payload = BLOB.subarray(length + 7, 2 * length + 7);
        await near.send(payload, far.address);
        const datagram = await within(far.receive());
        assert.deepEqual(datagram, { payload, from: near.address });
        await far.send(datagram!.payload, datagram!.from);
        assert.deepEqual(await within(near.receive()), {
          payload,
          from: far.address,
        });
      }
    });
  }

  test(`${name}: received payload is the receiver's, when more arrives`, async () => {
    using sockets = await Sockets.bind(transport);
    const { near, far } = sockets;
    await near.send(ascii("first"), far.address);
    const first = await within(far.receive());
    await near.send(ascii("second"), far.address);
    await within(far.receive());
    assert.deepEqual(first?.payload, ascii("first"));
  });

  test(`${name}: datagrams arrive in order, when they were not received for a while`, async () => {
    using sockets = await Sockets.bind(transport);
    const { near, far } = sockets;
    for (let i = 0; i < 50; i++) {
      await near.send(Uint8Array.of(i), far.address);
    }
    await pause(50);
    for (let i = 0; i < 50; i++) {
      assert.deepEqual((await within(far.receive()))?.payload[0], i);
    }
  });

  test(`${name}: datagrams arrive in order, when many are sent at once`, async (t) => {
    if (!transport.capabilities.batch) return t.skip(ONE_AT_A_TIME);
    using sockets = await Sockets.bind(transport);
    const { near, far } = sockets;
    const sizes = Array.from({ length: 100 }, (_, i) => 2 + 97 * i % 4_000);
    const sending = Promise.all(
      sizes.map((size, i) =>
        near.send(BLOB.subarray(i, i + size), far.address)
      ),
    );
    for (const [i, size] of sizes.entries()) {
      const datagram = await within(far.receive());
      assert.deepEqual(datagram?.payload, BLOB.slice(i, i + size));
    }
    await sending;
  });

  test(`${name}: one datagram that cannot be sent does not hold up the others`, async (t) => {
    if (!transport.capabilities.batch) return t.skip(ONE_AT_A_TIME);
    using sockets = await Sockets.bind(transport);
    const { near, far } = sockets;
    const large = BLOB.subarray(0, MAX_IPV4_PAYLOAD + 1);
    const outcomes = await within(Promise.allSettled([
      near.send(ascii("first"), far.address),
      near.send(large, far.address),
      near.send(ascii("second"), far.address),
    ]));
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    for (const text of ["first", "second"]) {
      assert.deepEqual((await within(far.receive()))?.payload, ascii(text));
    }
  });

  test(`${name}: send() fails with ERR_NET_MESSAGE_SIZE, when the datagram is too large`, async () => {
    using sockets = await Sockets.bind(transport);
    const { near, far } = sockets;
    await rejectsWith(
      near.send(BLOB.subarray(0, MAX_IPV4_PAYLOAD + 1), far.address),
      "ERR_NET_MESSAGE_SIZE",
    );
    await pause(50);
    await near.send(ascii("still usable"), far.address);
    const datagram = await within(far.receive());
    assert.deepEqual(datagram?.payload, ascii("still usable"));
  });

  test(`${name}: send() fails with ERR_NET_UNREACHABLE, when the socket has the other family`, async () => {
    using sockets = await Sockets.bind(transport);
    const { near } = sockets;
    await rejectsWith(
      near.send(ascii("x"), { host: "::1", port: 9 }),
      "ERR_NET_UNREACHABLE",
    );
  });

  test(`${name}: a socket on :: talks to both families, and shows IPv4 plainly`, async (t) => {
    let dual: DatagramSocket;
    try {
      dual = await transport.bind({ host: "::", port: 0 });
    } catch (error) {
      return t.skip(`SKIPPED, this machine has no IPv6: ${error}`);
    }
    for (const host of ["127.0.0.1", "::1"]) {
      const peer = await transport.bind({ host, port: 0 });
      await peer.send(ascii(host), { host, port: dual.address.port });
      const datagram = await within(dual.receive());
      assert.equal(datagram?.from.host, host);
      await dual.send(ascii("answer"), datagram.from);
      assert.deepEqual(await within(peer.receive()), {
        payload: ascii("answer"),
        from: { host, port: dual.address.port },
      });
      peer.close();
    }
    dual.close();
  });

  test(`${name}: datagrams to healthy peers arrive, when others are not there`, async () => {
    using sockets = await Sockets.bind(transport);
    const { near, far } = sockets;
    const gone = await transport.bind(HERE);
    gone.close();
    for (let i = 0; i < 50; i++) {
      // The ICMP message is back before the second datagram leaves, and at
      // every other time the runtime has had the time to see it, too.
      const sending = near.send(ascii("nobody"), gone.address);
      if (i % 2 === 0) await pause(2);
      await Promise.all([sending, near.send(Uint8Array.of(i), far.address)]);
      assert.equal((await within(far.receive()))?.payload[0], i);
    }
    await far.send(ascii("answer"), near.address);
    assert.deepEqual(
      (await within(near.receive()))?.payload,
      ascii("answer"),
    );
  });

  test(`${name}: the queue is bounded, and what finds no room is counted`, async () => {
    using sockets = await Sockets.bind(transport);
    const { near, far } = sockets;
    const total = MAX_QUEUED_DATAGRAMS + 200;
    for (let i = 0; i < total; i++) {
      await near.send(Uint8Array.of(i >> 8, i & 255), far.address);
      // The system's own queue is shorter than ours.
      if (i % 40 === 39) await pause(5);
    }
    await eventually(() => far.dropped, (dropped) => dropped === 200);
    for (let i = 0; i < MAX_QUEUED_DATAGRAMS; i++) {
      const [high, low] = (await within(far.receive()))!.payload;
      assert.equal(high! << 8 | low!, i);
    }
    await near.send(ascii("room again"), far.address);
    const datagram = await within(far.receive());
    assert.deepEqual(datagram?.payload, ascii("room again"));
  });

  test(`${name}: receive() given up loses no datagram`, async () => {
    using sockets = await Sockets.bind(transport);
    const { near, far } = sockets;
    const giveUp = new AbortController();
    const waiting = far.receive({ signal: giveUp.signal });
    const reason = new Error("given up");
    giveUp.abort(reason);
    await assert.rejects(waiting, reason);
    await assert.rejects(far.receive({ signal: giveUp.signal }), reason);
    await assert.rejects(
      near.send(ascii("x"), far.address, { signal: giveUp.signal }),
      reason,
    );
    await near.send(ascii("kept"), far.address);
    assert.deepEqual((await within(far.receive()))?.payload, ascii("kept"));
    // A signal that aborts too late takes nothing back.
    await near.send(ascii("kept too"), far.address);
    const late = new AbortController();
    const datagram = await within(far.receive({ signal: late.signal }));
    late.abort();
    assert.deepEqual(datagram?.payload, ascii("kept too"));
  });

  test(`${name}: handTo() hands over what waits, then what comes, in order`, async () => {
    using sockets = await Sockets.bind(transport);
    const { near, far } = sockets;
    await near.send(Uint8Array.of(0), far.address);
    await pause(50);
    const taken: number[] = [];
    const taker = {
      take: ({ payload, from }: Datagram) => {
        assert.deepEqual(from, near.address);
        taken.push(payload[0]!);
      },
      fail: (error: unknown) => assert.fail(String(error)),
    };
    far.handTo(taker);
    // Without a turn in between: so many are bounded by who posts.
    for (let i = 1; i <= 40; i++) {
      near.post(Uint8Array.of(i), far.address, () => {});
    }
    await eventually(() => taken.length, (length) => length === 41);
    assert.deepEqual(taken, Array.from({ length: 41 }, (_, i) => i));
    far.close();
    await near.send(Uint8Array.of(99), far.address);
    await pause(20);
    assert.equal(taken.length, 41);
  });

  test(`${name}: post() tells what became of each datagram, once`, async () => {
    using sockets = await Sockets.bind(transport);
    const { near, far } = sockets;
    const told: string[] = [];
    const post = (what: string, bytes: Uint8Array, to: Endpoint): void =>
      near.post(bytes, to, (error) => {
        const { code = "sent" } = (error ?? {}) as { code?: string };
        told.push(`${what} ${code}`);
      });
    post("one", ascii("one"), far.address);
    post("large", BLOB.subarray(0, MAX_IPV4_PAYLOAD + 1), far.address);
    post("other", ascii("x"), { host: "::1", port: 9 });
    post("two", ascii("two"), far.address);
    await eventually(() => told.length, (length) => length === 4);
    near.close();
    post("late", ascii("late"), far.address);
    assert.deepEqual(told.toSorted(), [
      "large ERR_NET_MESSAGE_SIZE",
      "late ERR_NET_CLOSED",
      "one sent",
      "other ERR_NET_UNREACHABLE",
      "two sent",
    ]);
    for (const text of ["one", "two"]) {
      assert.deepEqual((await within(far.receive()))?.payload, ascii(text));
    }
  });

  test(`${name}: close() ends every wait, and gives address and descriptor back`, async () => {
    // Whatever the runtime opens once, it has opened now.
    (await transport.bind(HERE)).close();
    const before = openHandles();
    using sockets = await Sockets.bind(transport);
    const { near, far } = sockets;
    const waiting = near.receive();
    assert.ok(await isPending(waiting, 20));
    near.close();
    near.close();
    assert.equal(await within(waiting), undefined);
    assert.equal(await within(near.receive()), undefined);
    await rejectsWith(near.send(ascii("x"), far.address), "ERR_NET_CLOSED");
    far.close();
    await eventually(openHandles, (handles) => handles <= before);
    const again = await transport.bind(near.address);
    assert.deepEqual(again.address, near.address);
    again.close();
  });

  test(`${name}: bind() fails with the reason, when it cannot have the address`, async () => {
    using sockets = await Sockets.bind(transport);
    await rejectsWith(
      transport.bind(sockets.near.address),
      "ERR_NET_ADDRESS_IN_USE",
    );
    if (name === "memory") return;
    await rejectsWith(
      transport.bind({ host: "192.0.2.1", port: 0 }),
      "ERR_NET_ADDRESS_UNAVAILABLE",
    );
  });

  test(`${name}: bind() takes a name`, async () => {
    const socket = await transport.bind({ host: "localhost", port: 0 });
    assert.match(socket.address.host, /^(127\.0\.0\.1|::1)$/);
    socket.close();
  });
}

/** Two sockets that may talk to each other. */
class Sockets implements Disposable {
  readonly near: DatagramSocket;
  readonly far: DatagramSocket;

  private constructor(near: DatagramSocket, far: DatagramSocket) {
    this.near = near;
    this.far = far;
  }

  static async bind(
    transport: { bind(endpoint: Endpoint): Promise<DatagramSocket> },
    nearHost = "127.0.0.1",
    farHost = "127.0.0.1",
  ): Promise<Sockets> {
    const near = await transport.bind({ host: nearHost, port: 0 });
    return new Sockets(near, await transport.bind({ host: farHost, port: 0 }));
  }

  [Symbol.dispose](): void {
    this.near.close();
    this.far.close();
  }
}
