/**
 * Reading and writing at once, where an adapter can, and being told when to go
 * on.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "../../src/transport.ts";
import {
  ascii,
  BLOB,
  type Fixture,
  isPending,
  Pair,
  pause,
  receive,
  rejectsWith,
  summary,
  within,
} from "./harness.ts";

/** Registers the tests. */
export function readySuite({ transport }: Fixture): void {
  const { name } = transport;

  /** Runs a test where the adapter can do that. */
  const ready = (
    what: string,
    run: (pair: Pair) => Promise<void>,
  ): void => {
    test(`${name}: ${what}`, async (t) => {
      using pair = await Pair.open(transport);
      if (pair.client.tryRead === undefined) {
        return t.skip("SKIPPED, it is asked by promises alone");
      }
      await run(pair);
    });
  };

  ready(
    "tryRead() gives what came, then the end, and onReady() reports both",
    async ({ client, server }) => {
      assert.equal(server.tryRead!(), undefined);
      assert.equal(client.tryWrite!(ascii("hello")), 5);
      assert.deepEqual(await next(server), ascii("hello"));
      assert.equal(server.tryRead!(), undefined);
      await within(client.closeWrite());
      assert.equal(await next(server), "end");
      assert.equal(server.tryRead!(), "end");
      // The other direction goes on.
      assert.equal(server.tryWrite!(ascii("late")), 4);
      assert.deepEqual(await next(client), ascii("late"));
    },
  );

  ready(
    "tryWrite() takes what there is room for, and onReady() reports more",
    async ({ client, server }) => {
      const writing = writeAll(client, BLOB);
      assert.ok(await isPending(writing));
      const receiving = receive(server.readable);
      await within(writing);
      await within(client.closeWrite());
      assert.deepEqual(await within(receiving), summary(BLOB));
    },
  );

  ready(
    "a read by promise and one at once take turns, and lose no byte",
    async ({ client, server }) => {
      for (const word of ["one", "two", "three", "four"]) {
        const byPromise = word.length === 3;
        const reading = byPromise ? server.read!() : next(server);
        await pause(5);
        await within(client.write!(ascii(word)));
        assert.deepEqual(await within<unknown>(reading), ascii(word));
      }
    },
  );

  ready(
    "tryRead() and tryWrite() fail with ERR_NET_CLOSED, and onReady() is called, when it is closed",
    async ({ client }) => {
      assert.equal(client.tryRead!(), undefined);
      const telling = told(client);
      client.close();
      await within(telling);
      for (
        const call of [() => client.tryRead!(), () => client.tryWrite!(BLOB)]
      ) {
        await rejectsWith((async () => await call())(), "ERR_NET_CLOSED");
      }
    },
  );

  ready(
    "tryRead() fails with ERR_NET_RESET, when the peer resets",
    async ({ client, server }) => {
      const reading = next(server);
      client.reset!();
      await rejectsWith(reading, "ERR_NET_RESET");
      await rejectsWith(
        (async () => await server.tryRead!())(),
        "ERR_NET_RESET",
      );
    },
  );
}

/** The next chunk, or the end. */
async function next(connection: Connection): Promise<Uint8Array | "end"> {
  for (;;) {
    const telling = told(connection);
    const chunk = connection.tryRead!();
    if (chunk !== undefined) return chunk;
    await within(telling);
  }
}

async function writeAll(
  connection: Connection,
  bytes: Uint8Array,
): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    const telling = told(connection);
    rest = rest.subarray(connection.tryWrite!(rest));
    if (rest.length > 0) await telling;
  }
}

/** Settles when the connection tells next. */
function told(connection: Connection): Promise<void> {
  return new Promise((resolve) => connection.onReady = resolve);
}
