import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryTransport } from "../../src/adapters/net/memory.ts";
import {
  Pair,
  receive,
  rejectsWith,
  type Resettable,
  send,
  summary,
} from "./harness.ts";
import { transportSuite } from "./transport_suite.ts";
import { acceptFrom } from "../support/streams.ts";

const silent = { host: "192.0.2.1", port: 9 };
const transport = memoryTransport({
  dialFailures: new Map([["192.0.2.1:9", "hang"]]),
});

transportSuite({
  transport,
  openHandles: () =>
    transport.openConnections + transport.openListeners + transport.openSockets,
  async resettable(): Promise<Resettable> {
    const listener = await transport.listen({ host: "127.0.0.1", port: 0 });
    const peer = await transport.dial(listener.address);
    const connection = await acceptFrom(listener);
    assert(connection !== undefined);
    const close = (): Promise<void> => Promise.resolve(listener.close());
    return { connection, reset: () => peer.reset(), close };
  },
  silentEndpoint: () =>
    Promise.resolve({ endpoint: silent, close: () => Promise.resolve() }),
});

test("memoryTransport() delivers at most split bytes, when told to", async () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7);
  using pair = await Pair.open(memoryTransport({ split: 3, capacity: 5 }));
  const reader = pair.server.readable.getReader();
  const sending = send(pair.client.writable, bytes);
  assert.deepEqual((await reader.read()).value, Uint8Array.of(1, 2, 3));
  reader.releaseLock();
  const rest = await receive(pair.server.readable, 4);
  assert.deepEqual(rest, summary(bytes.subarray(3)));
  await sending;
});

test("memoryTransport() fails dials and accepts, when scripted", async () => {
  const dialFailures = new Map([["192.0.2.1:80", "ERR_NET_TIMEOUT" as const]]);
  const network = memoryTransport({ dialFailures });
  const target = { host: "192.0.2.1", port: 80 };
  const listener = await network.listen({ host: "0.0.0.0", port: 80 });
  await rejectsWith(network.dial(target), "ERR_NET_TIMEOUT");
  dialFailures.clear();
  const client = await network.dial(target);
  network.failNextAccept("ERR_NET_DESCRIPTORS");
  await rejectsWith(acceptFrom(listener), "ERR_NET_DESCRIPTORS");
  const server = await acceptFrom(listener);
  assert.deepEqual(server?.remote, client.local);
  const waiting = acceptFrom(listener);
  network.failNextAccept("ERR_NET_OTHER");
  await rejectsWith(waiting, "ERR_NET_OTHER");
  assert.deepEqual(network.dialled, ["192.0.2.1:80", "192.0.2.1:80"]);
});

test("memoryTransport() resolves the names it was given", async () => {
  const names = { "example.com": ["192.0.2.7", "2001:db8::7"] };
  const network = memoryTransport({ names });
  assert.deepEqual(await network.resolve("example.com"), names["example.com"]);
  await rejectsWith(network.resolve("toString"), "ERR_NET_NAME_NOT_FOUND");
});
