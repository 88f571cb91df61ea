/**
 * Names that clients say first, where they have asked for an address.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "../../../../src/cli/options/nearest.ts";
import { MAX_SNIFFED_BYTES, SNIFF_WAIT_MS } from "../../../../src/limits.ts";
import { readRoutes } from "../../../../src/routes/read_routes.ts";
import type { LocalOptions } from "../../../../src/service/inbound/local.ts";
import type { LocalRoutes } from "../../../../src/service/routing/rule_router.ts";
import { utf8 } from "../../../support/bytes.ts";
import { clientHello } from "../../../support/client_hello.ts";
import { settle } from "../../../support/fake_clock.ts";
import { readExactly, send } from "../../../support/streams.ts";
import { accepted, SERVER, TARGET, World } from "../../../support/world.ts";

const HELLO = clientHello("a.test");
const REQUEST = utf8("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");

/** Where `a.test` is, by its name. */
const NAMED = { host: "10.0.0.4", port: 80 };

const PROXY = `${SERVER.host}:${SERVER.port}`;

function routes(...list: readonly object[]): LocalRoutes {
  const table = readRoutes(list, {
    file: "c.json",
    outbounds: [],
    ruleSets: new Map(),
    nearest,
  });
  return { table, resolve: "never" };
}

const DIRECT = routes({ domain: "a.test", to: "direct" });
const BLOCKED = routes({ domain: "a.test", to: "block" });
const OTHER = routes({ domain: "other.test", to: "direct" });
const NAMES = { override: false };
const OVERRIDE = { override: true };

/** A world with a server, both targets, and a local. */
async function start(
  options: Partial<LocalOptions>,
  split = Infinity,
): Promise<World> {
  const world = new World({ names: { "a.test": [NAMED.host] }, split });
  await world.server({ targetPolicy: () => undefined });
  await world.local(options);
  return world;
}

/** Where it gets to who asks for {@link TARGET} and then says something. */
async function reached(
  options: Partial<LocalOptions>,
  said: Uint8Array,
  split?: number,
): Promise<string[]> {
  const world = await start(options, split);
  const targets = [await world.target(), await world.target(NAMED)];
  const { client, reply } = await world.connect();
  assert.equal(reply[1], 0);
  await send(client, said);
  await settle();
  await world.clock.advance(0);
  const far = await Promise.race(targets.map(accepted));
  assert.deepEqual(await readExactly(far, said.length), said);
  await send(far, utf8("yes"));
  assert.deepEqual(await readExactly(client, 3), utf8("yes"));
  client.close();
  far.close();
  await settle();
  const { dialled } = world.network;
  await world.stop();
  assert.equal(world.network.openConnections, 0);
  // The first is the client's own.
  return dialled.slice(1);
}

const address = `${TARGET.host}:${TARGET.port}`;
const named = `${NAMED.host}:${NAMED.port}`;

for (const [what, said] of [["TLS", HELLO], ["HTTP", REQUEST]] as const) {
  for (const split of [1, Infinity]) {
    test(`a rule on a name holds for one in ${what}, reads of ${split} bytes`, async () => {
      const options = { routes: DIRECT, sniff: NAMES };
      assert.deepEqual(await reached(options, said, split), [address]);
    });
  }
}

test("the server is asked for the address, or for the name where that is wanted", async () => {
  for (
    const [options, dialled] of [
      [{ routes: OTHER }, [PROXY, address]],
      [{ routes: OTHER, sniff: NAMES }, [PROXY, address]],
      [{ routes: OTHER, sniff: OVERRIDE }, [PROXY, named]],
      [{ sniff: NAMES }, [PROXY, address]],
      [{ sniff: OVERRIDE }, [PROXY, named]],
      // Past the server it stays the address.
      [{ routes: DIRECT, sniff: OVERRIDE }, [address]],
      // Without it the rule does not hold.
      [{ routes: DIRECT }, [PROXY, address]],
    ] as const
  ) {
    const text = JSON.stringify(options);
    assert.deepEqual(await reached(options, REQUEST), dialled, text);
  }
});

test("what is blocked ends without an answer, and the log says why", async () => {
  const world = await start({ routes: BLOCKED, sniff: NAMES });
  const { client, reply } = await world.connect();
  assert.equal(reply[1], 0);
  await send(client, HELLO);
  assert.equal(await readExactly(client, 1).catch(() => "ended"), "ended");
  const [line] = world.logged("code", "ERR_ROUTE_BLOCKED");
  assert.match(
    String(line?.fields["reason"]),
    /10\.0\.0\.3:80: block: routes\[0\] domain "a\.test"/,
  );
  client.close();
  await world.clock.advance(5_000);
  await world.stop();
  assert.equal(world.network.openConnections, 0);
});

test("a target that speaks first is reached when the wait is over", async () => {
  const world = await start({ routes: OTHER, sniff: NAMES });
  const target = await world.target();
  const { client } = await world.connect();
  await world.clock.advance(SNIFF_WAIT_MS - 1);
  assert.equal(world.network.dialled.length, 1);
  await world.clock.advance(1);
  await world.clock.advance(100);
  const far = await accepted(target);
  await send(far, utf8("220"));
  assert.deepEqual(await readExactly(client, 3), utf8("220"));
  client.close();
  far.close();
  await settle();
  await world.stop();
  assert.equal(world.network.openConnections, 0);
});

test("what cannot name a target does not wait", async () => {
  for (
    const said of [
      utf8("SSH-2.0-a\r\n"),
      utf8(`GET / HTTP/1.1\r\nX: ${"y".repeat(MAX_SNIFFED_BYTES)}`),
    ]
  ) {
    const options = { routes: OTHER, sniff: NAMES };
    assert.deepEqual(await reached(options, said), [PROXY, address]);
  }
});

test("a client that ends its side, or leaves, is waited for no longer", async () => {
  const world = await start({ routes: OTHER, sniff: NAMES });
  const target = await world.target();
  const { client } = await world.connect();
  await send(client, HELLO.subarray(0, 9));
  await client.closeWrite();
  const far = await accepted(target);
  assert.deepEqual(await readExactly(far, 9), HELLO.subarray(0, 9));
  client.close();
  far.close();
  const gone = await world.connect();
  gone.client.close();
  (await accepted(target)).close();
  const waiting = await world.connect();
  await world.stop();
  waiting.client.close();
  await settle();
  assert.equal(world.network.openConnections, 0);
});

test("a client that asks for a name gets the error that no server answers", async () => {
  const world = new World();
  await world.local({ routes: OTHER, sniff: NAMES });
  const name = utf8("none.test").toHex();
  const { client, reply } = await world.connect(`0501000309${name}0050`);
  assert.equal(reply[1], 5);
  client.close();
  // Who has asked for an address was answered before.
  const other = await world.connect();
  assert.equal(other.reply[1], 0);
  await send(other.client, HELLO);
  assert.equal(
    await readExactly(other.client, 1).catch(() => "ended"),
    "ended",
  );
  other.client.close();
  await world.clock.advance(5_000);
  await world.stop();
  assert.equal(world.network.openConnections, 0);
});
