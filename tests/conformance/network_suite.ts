/**
 * Listening, dialling and looking up.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "../../src/transport.ts";
import { CAPABILITIES } from "./capabilities.ts";
import {
  ascii,
  eventually,
  type Fixture,
  isPending,
  Pair,
  pause,
  receive,
  rejectsWith,
  send,
  summary,
  within,
} from "./harness.ts";
import { acceptFrom } from "../support/streams.ts";

/** Registers the tests. */
export function networkSuite(fixture: Fixture): void {
  const { transport } = fixture;
  const { name } = transport;
  const local = { host: "127.0.0.1", port: 0 };

  for (const host of ["127.0.0.1", "::1"]) {
    test(`${name}: local and remote are each other's, when dialling ${host}`, async (t) => {
      let pair: Pair;
      try {
        pair = await Pair.open(transport, host);
      } catch (error) {
        if (host === "127.0.0.1") throw error;
        return t.skip(`SKIPPED, this machine has no ::1: ${error}`);
      }
      using _ = pair;
      assert.equal(pair.listener.address.host, host);
      assert.notEqual(pair.listener.address.port, 0);
      assert.deepEqual(pair.client.remote, pair.listener.address);
      assert.deepEqual(pair.server.local, pair.listener.address);
      assert.deepEqual(pair.server.remote, pair.client.local);
      assert.equal(pair.client.local.host, host);
      assert.notEqual(pair.client.local.port, 0);
    });
  }

  test(`${name}: remote is plain IPv4, when the listener is dual-stack`, async (t) => {
    let listener;
    try {
      listener = await transport.listen({ host: "::", port: 0 });
    } catch (error) {
      return t.skip(`SKIPPED, this machine has no IPv6: ${error}`);
    }
    const { port } = listener.address;
    const client = await transport.dial({ host: "127.0.0.1", port });
    const server = await within(acceptFrom(listener));
    assert.equal(server?.remote.host, "127.0.0.1");
    assert.equal(server?.local.host, "127.0.0.1");
    for (const open of [client, server, listener]) open?.close();
  });

  test(`${name}: listen() fails with ERR_NET_ADDRESS_IN_USE, when somebody listens there`, async () => {
    const listener = await transport.listen(local);
    await rejectsWith(
      transport.listen(listener.address),
      "ERR_NET_ADDRESS_IN_USE",
    );
    listener.close();
    listener.close();
  });

  test(`${name}: accept() returns connections in order, when dozens wait`, async () => {
    const listener = await transport.listen(local);
    const clients: Connection[] = [];
    for (let i = 0; i < 48; i++) {
      clients.push(await within(transport.dial(listener.address)));
    }
    for (const client of clients) {
      const server = await within(acceptFrom(listener));
      assert.deepEqual(server?.remote, client.local);
      server?.close();
      client.close();
    }
    listener.close();
  });

  test(`${name}: accept() serves each caller once, when several wait`, async () => {
    const listener = await transport.listen(local);
    const accepts = [1, 2, 3].map(() => acceptFrom(listener));
    const clients: Connection[] = [];
    for (let i = 0; i < 3; i++) {
      clients.push(await within(transport.dial(listener.address)));
    }
    const servers = await within(Promise.all(accepts));
    assert.deepEqual(
      servers.map((server) => server?.remote.port),
      clients.map((client) => client.local.port),
    );
    for (const end of [...clients, ...servers, listener]) end?.close();
  });

  test(`${name}: a port is free at once, when a listener is closed while accept() waits`, async () => {
    const first = await transport.listen(local);
    const accepting = first.accept();
    await pause(20);
    first.close();
    const second = await transport.listen(first.address);
    assert.deepEqual(second.address, first.address);
    second.close();
    assert.equal(await within(accepting), undefined);
  });

  test(`${name}: close() of a listener ends accept() and keeps connections`, async () => {
    using pair = await Pair.open(transport);
    const waiting = [acceptFrom(pair.listener), acceptFrom(pair.listener)];
    await pause(10);
    pair.listener.close();
    pair.listener.close();
    assert.deepEqual(await within(Promise.all(waiting)), [
      undefined,
      undefined,
    ]);
    assert.equal(await within(acceptFrom(pair.listener)), undefined);
    await rejectsWith(
      transport.dial(pair.listener.address),
      "ERR_NET_REFUSED",
    );
    await within(send(pair.client.writable, ascii("alive")));
    assert.deepEqual(
      await within(receive(pair.server.readable, 5)),
      summary(ascii("alive")),
    );
  });

  const { maxUnaccepted } = CAPABILITIES[name]!;
  if (maxUnaccepted !== undefined) {
    test(`${name}: a listener resets what it cannot keep, when accept() is not called`, async () => {
      const before = fixture.openHandles();
      const listener = await transport.listen(local);
      const clients: Connection[] = [];
      for (let i = 0; i < maxUnaccepted + 8; i++) {
        clients.push(await within(transport.dial(listener.address)));
      }
      for (const client of clients.slice(maxUnaccepted)) {
        await rejectsWith(receive(client.readable), "ERR_NET_RESET");
      }
      for (const client of clients.slice(0, maxUnaccepted)) {
        const server = await within(acceptFrom(listener));
        assert.deepEqual(server?.remote, client.local);
        server?.close();
      }
      assert(await isPending(acceptFrom(listener)));
      listener.close();
      for (const client of clients) client.close();
      await eventually(() => fixture.openHandles(), (now) => now <= before);
    });
  }

  test(`${name}: dial() fails with ERR_NET_REFUSED, when the port has no listener`, async () => {
    const listener = await transport.listen(local);
    listener.close();
    await rejectsWith(transport.dial(listener.address), "ERR_NET_REFUSED");
  });

  test(`${name}: dial() rejects with the reason, when the signal was aborted before`, async () => {
    const listener = await transport.listen(local);
    const reason = new Error("too late");
    const signal = AbortSignal.abort(reason);
    const dialling = transport.dial(listener.address, { signal });
    await assert.rejects(within(dialling), (error) => error === reason);
    assert(await isPending(acceptFrom(listener), 50));
    listener.close();
  });

  test(`${name}: dial() rejects with the reason, when the signal aborts a silent dial`, async () => {
    const silent = await within(fixture.silentEndpoint());
    const before = fixture.openHandles();
    const controller = new AbortController();
    const { signal } = controller;
    const connected: Connection[] = [];
    let dialling: Promise<Connection>;
    for (;;) {
      dialling = transport.dial(silent.endpoint, { signal });
      if (await isPending(dialling)) break;
      connected.push(await dialling);
      assert(connected.length < 1_024, "the endpoint answers");
    }
    const reason = new Error("enough");
    controller.abort(reason);
    await assert.rejects(within(dialling), (error) => error === reason);
    for (const connection of connected) connection.close();
    await silent.close();
    // Bun's dial continues until the kernel gives up, which it does now.
    await eventually(() => fixture.openHandles(), (now) => now <= before);
  });

  test(`${name}: dial() leaves no connection, when the signal aborts as it connects`, async () => {
    const listener = await transport.listen(local);
    const controller = new AbortController();
    const { signal } = controller;
    const dialling = transport.dial(listener.address, { signal });
    const reason = new Error("just too late");
    controller.abort(reason);
    await within(dialling).then(
      (connection) => connection.close(),
      (error) => assert.equal(error, reason),
    );
    const accepting = acceptFrom(listener);
    // A dial that is given up before its SYN leaves no connection to accept.
    if (!await isPending(accepting)) {
      const server = (await accepting)!;
      await within(receive(server.readable)).catch(
        (error) => rejectsWith(Promise.reject(error), "ERR_NET_RESET"),
      );
      server.close();
    }
    listener.close();
    assert.equal(await within(acceptFrom(listener)), undefined);
  });

  test(`${name}: a signal may abort later, when the dial is over`, async () => {
    const listener = await transport.listen(local);
    const controller = new AbortController();
    const { signal } = controller;
    const client = await transport.dial(listener.address, { signal });
    const server = await within(acceptFrom(listener));
    assert(server !== undefined);
    controller.abort();
    await within(send(client.writable, ascii("on")));
    assert.equal((await within(receive(server.readable, 2))).length, 2);
    for (const open of [client, server, listener]) open.close();
  });

  test(`${name}: resolve() returns addresses, when asked for localhost or an address`, async () => {
    const found = await within(transport.resolve("localhost"));
    assert(found.every((host) => ["127.0.0.1", "::1"].includes(host)));
    assert(found.length > 0);
    for (const host of ["192.0.2.1", "2001:db8::1"]) {
      assert.deepEqual(await within(transport.resolve(host)), [host]);
    }
  });

  test(`${name}: resolve() fails with ERR_NET_NAME_NOT_FOUND, when there is no such name`, async () => {
    for (const host of ["", "a..b"]) {
      await rejectsWith(transport.resolve(host), "ERR_NET_NAME_NOT_FOUND");
    }
  });

  test(`${name}: resolve() rejects with the reason, when the signal aborts`, async () => {
    const reason = new Error("stop");
    const signal = AbortSignal.abort(reason);
    await assert.rejects(
      within(transport.resolve("localhost", { signal })),
      (error) => error === reason,
    );
  });
}
