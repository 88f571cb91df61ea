/**
 * Shares in the path of bytes: nothing passes before a visit is settled, what is
 * not granted waits, and a refusal ends it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nobleProvider } from "../../../../src/crypto/noble.ts";
import { masterKeyFromPassword } from "../../../../src/crypto/master_key.ts";
import { findMethod } from "../../../../src/crypto/method.ts";
import { referenceKeyStreams } from "../../../../src/crypto/key_streams/reference.ts";
import { PolicyError } from "../../../../src/errors.ts";
import { MAX_PENDING_PER_FLOW } from "../../../../src/limits.ts";
import { systemRandomBytes } from "../../../../src/random.ts";
import { clientProtocol } from "../../../../src/session/families.ts";
import type { Share, Stay } from "../../../../src/service/server/account.ts";
import { Accounts } from "../../../../src/service/server/accounts.ts";
import type { Connection } from "../../../../src/transport.ts";
import { settle } from "../../../support/fake_clock.ts";
import { utf8 } from "../../../support/bytes.ts";
import { observe, send } from "../../../support/streams.ts";
import { PacketPeer, Peer, stopped } from "../../../support/udp_world.ts";
import { accepted, SERVER, TARGET, World } from "../../../support/world.ts";

const METHOD = findMethod("aes-128-gcm");
const KEY = masterKeyFromPassword("alice", METHOD);

/** Answers as the test says. */
class ScriptedShare implements Share {
  readonly ratePart = 1;
  readonly openElsewhere = 0;
  settled: Promise<void> | undefined;
  /** What `ask` says of bytes; 0 lets them pass. */
  waitMs = 0;
  spent = 0;
  asked = 0;
  inside = 0;

  limit(): void {}

  enter(): Stay {
    this.inside++;
    return {
      settled: this.settled,
      check: () => {},
      leave: () => this.inside--,
    };
  }

  ask(bytes: number): number {
    if (bytes > 0) this.asked++;
    return bytes > 0 ? this.waitMs : 0;
  }

  spend(_direction: "up" | "down", bytes: number): void {
    this.spent += bytes;
  }
}

const REFUSAL = new PolicyError("ERR_POLICY_USER_HOSTS", "One too many");

async function start(share: Share): Promise<{
  world: World;
  accounts: Accounts;
}> {
  const world = new World({ capacity: 1 << 20 }, METHOD.name);
  const users = [{ name: "alice", masterKey: KEY }];
  const accounts = new Accounts(users, world.clock, () => share);
  const masterKey = masterKeyFromPassword("the server's", METHOD);
  const mode = "tcp_and_udp";
  await world.server({ masterKey, users, accounts, mode });
  return { world, accounts };
}

async function knock(world: World, text: string): Promise<Connection> {
  const client = await world.network.dial(SERVER);
  const session = clientProtocol({ method: METHOD, masterKey: KEY }, {
    aeadProvider: nobleProvider,
    keyStreamProvider: referenceKeyStreams,
    clock: world.clock,
    randomBytes: systemRandomBytes,
  }).stream();
  await send(client, session.request(TARGET, utf8(text)));
  return client;
}

test("a connection is dialled at once, and passes nothing before it is settled", async () => {
  const share = new ScriptedShare();
  const { promise, resolve } = Promise.withResolvers<void>();
  share.settled = promise;
  const { world } = await start(share);
  const target = await world.target();
  const client = await knock(world, "hello");
  const connection = await accepted(target);
  const seen = observe(connection);
  await settle();
  assert.equal(seen().received.length, 0);
  assert.equal(share.spent, 0);
  resolve();
  await settle();
  assert.deepEqual(seen().received, utf8("hello"));
  assert.equal(share.spent, 5);
  client.close();
  connection.close();
  await settle();
  assert.equal(share.inside, 0);
  await world.stop();
});

test("a connection that is refused while it is dialled ends on both sides", async () => {
  const share = new ScriptedShare();
  const { promise, reject } = Promise.withResolvers<void>();
  share.settled = promise;
  const { world } = await start(share);
  const target = await world.target();
  const client = await knock(world, "hello");
  const [here, there] = [observe(client), observe(await accepted(target))];
  await settle();
  assert.equal(here().end, "open");
  reject(REFUSAL);
  await settle();
  assert.notEqual(here().end, "open");
  assert.notEqual(there().end, "open");
  assert.equal(there().received.length, 0);
  assert.deepEqual([share.spent, share.inside], [0, 0]);
  assert.equal(world.logged("code", REFUSAL.code).length, 1);
  await world.stop();
});

test("a chunk that is not granted waits, is asked for again, and counted once", async () => {
  const share = new ScriptedShare();
  const { world, accounts } = await start(share);
  const target = await world.target();
  const client = await knock(world, "hello");
  const connection = await accepted(target);
  await settle();
  share.waitMs = 10;
  share.asked = 0;
  const seen = observe(client);
  await send(connection, utf8("answer"));
  await world.clock.advance(35);
  assert.equal(seen().received.length, 0);
  assert.equal(share.asked, 4);
  assert.equal(accounts.usage("alice").bytesDown, 0);
  share.waitMs = 0;
  await world.clock.advance(10);
  assert(seen().received.length > 0);
  assert.equal(accounts.usage("alice").bytesDown, 6);
  assert.equal(accounts.total().bytesDown, 6);
  client.close();
  connection.close();
  await world.stop();
});

test("the first bytes of a connection wait for a lease too", async () => {
  const share = new ScriptedShare();
  share.waitMs = 10;
  const { world, accounts } = await start(share);
  const target = await world.target();
  const client = await knock(world, "hello");
  const connection = await accepted(target);
  const seen = observe(connection);
  await world.clock.advance(25);
  assert.equal(seen().received.length, 0);
  share.waitMs = 0;
  await world.clock.advance(10);
  assert.deepEqual(seen().received, utf8("hello"));
  assert.equal(accounts.usage("alice").bytesUp, 5);
  client.close();
  connection.close();
  await world.stop();
});

test("the first datagrams of a user wait until it is settled, so many at most", async () => {
  const share = new ScriptedShare();
  const { promise, resolve } = Promise.withResolvers<void>();
  share.settled = promise;
  const { world } = await start(share);
  const echo = await Peer.echo(world);
  const endpoint = { host: "10.0.1.1", port: 1 };
  const keys = { method: METHOD, masterKey: KEY };
  const client = await PacketPeer.bind(world, endpoint, keys);
  for (let i = 0; i < MAX_PENDING_PER_FLOW + 3; i++) {
    await client.ask(`${i}`);
    await settle();
  }
  assert.equal(echo.datagrams.length, 0);
  assert.equal(share.spent, 0);
  resolve();
  await settle();
  assert.equal(echo.datagrams.length, MAX_PENDING_PER_FLOW);
  await client.ask("later");
  await settle();
  assert.equal(echo.datagrams.length, MAX_PENDING_PER_FLOW + 1);
  const lines = await stopped(world);
  assert(lines.some((line) => line["ERR_POLICY_LIMIT"] === 3));
  assert.equal(share.inside, 0);
});

test("datagrams of a user that is refused go nowhere", async () => {
  const share = new ScriptedShare();
  const { promise, reject } = Promise.withResolvers<void>();
  promise.catch(() => {});
  share.settled = promise;
  const { world } = await start(share);
  const echo = await Peer.echo(world);
  const endpoint = { host: "10.0.1.1", port: 1 };
  const keys = { method: METHOD, masterKey: KEY };
  const client = await PacketPeer.bind(world, endpoint, keys);
  await client.ask("one");
  await client.ask("two");
  await settle();
  reject(REFUSAL);
  await settle();
  assert.equal(echo.datagrams.length, 0);
  assert.deepEqual([share.spent, share.inside], [0, 0]);
  const lines = await stopped(world);
  assert(lines.some((line) => line[REFUSAL.code] === 2));
});
