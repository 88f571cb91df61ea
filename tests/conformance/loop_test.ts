/**
 * How the event loop of sockets of our own waits: for its own events, for
 * those of the runtime, and for what was postponed.
 */
import assert from "node:assert/strict";
import { createConnection, createServer, type Socket } from "node:net";
import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import { toUsize } from "../../src/adapters/crypto/_library.ts";
import type { Bell } from "../../src/adapters/net/linux/bell.ts";
import {
  Epoll,
  queueThatWatches,
  READABLE,
} from "../../src/adapters/net/linux/epoll_event.ts";
import { c, loadLibc } from "../../src/adapters/net/linux/libc.ts";
import { Loop } from "../../src/adapters/net/linux/loop.ts";
import { Queues } from "../../src/adapters/net/linux/queues.ts";
import { openWire, type Wire } from "../../src/adapters/net/linux/wire.ts";
import { until } from "../support/within.ts";

const skip = process.platform === "linux" ? false : "SKIPPED, needs Linux";

/** A wire, its end known to the runtime's queue, and an epoll. */
async function open(): Promise<
  { wire: Wire; epoll: Epoll; queue: number } & Disposable
> {
  loadLibc();
  const epoll = new Epoll();
  const wire = await openWire({ received: () => {}, cut: () => {} });
  // A runtime may watch its end only in its next turn.
  let queue: number | undefined;
  await until(5_000, "the runtime watches the wire", () => {
    queue = queueThatWatches(wire.runtimeEnd!);
    return queue !== undefined;
  });
  return {
    wire,
    epoll,
    queue: queue!,
    [Symbol.dispose](): void {
      wire.close();
      epoll.close();
    },
  };
}

test("linux: a queue is found by what it watches, and only then", {
  skip,
}, async () => {
  using opened = await open();
  const { wire, epoll } = opened;
  assert.notEqual(opened.queue, epoll.descriptor);
  assert.equal(queueThatWatches(wire.descriptor), undefined);
  epoll.add(wire.descriptor, READABLE, 1);
  assert.equal(queueThatWatches(wire.descriptor), epoll.descriptor);
  assert.equal(queueThatWatches(1_000_000), undefined);
});

test("linux: a wait ends with the events of Umbra or of the runtime", {
  skip,
}, async () => {
  using opened = await open();
  const { wire, epoll, queue } = opened;
  const queues = new Queues(epoll.descriptor, [queue]);
  // At first the runtime's end of the wire can be written, which is an event.
  await until(5_000, "no events wait", () => queues.wait(0) === undefined);
  // Its byte arrives at the end that the runtime watches.
  c.send(wire.descriptor, Uint8Array.of(1), toUsize(1), 0);
  assert.equal(queues.wait(1_000), "runtime");
  const pair = await open();
  using _pair = pair;
  epoll.add(pair.wire.descriptor, 4, 1); // It can be written at once.
  assert.equal(queues.wait(0), "own");
});

test("linux: a loop that waits delays neither the runtime nor its own turns", {
  skip,
}, async () => {
  using opened = await open();
  const { wire, epoll } = opened;
  let set = 0;
  const bell: Bell = {
    name: "none",
    runtimeEnd: wire.runtimeEnd,
    onRing: () => {},
    set: () => void set++,
    hold: () => {},
    release: () => {},
  };
  const loop = new Loop(epoll, bell);
  let postponed = 0;
  const watcher = { ready: () => void postponed++ };
  loop.watch(wire.descriptor, READABLE, watcher);
  await until(5_000, "the loop sleeps", () => set === 1);
  // A turn after the bell, in which nothing happened, and then a rest.
  bell.onRing();
  loop.postpone(watcher);
  await until(5_000, "the postponed turn", () => postponed === 1);
  await until(5_000, "the loop sleeps again", () => set === 2);
  // The runtime's own sockets answer while the loop rests again and again.
  const ringing = setInterval(() => bell.onRing(), 1);
  const server = createServer((socket: Socket) => socket.pipe(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const socket = createConnection(port, "127.0.0.1");
  const began = performance.now();
  for (let i = 0; i < 50; i++) {
    socket.write("x");
    await once(socket, "data");
  }
  const ms = performance.now() - began;
  clearInterval(ringing);
  socket.destroy();
  server.close();
  loop.forget(wire.descriptor);
  assert.ok(ms < 2_000, `50 echoes took ${ms} ms`);
});
