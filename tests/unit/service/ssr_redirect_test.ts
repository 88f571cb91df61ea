/**
 * Strangers of a ShadowsocksR port who are sent to a site.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NOTHING } from "../../../src/bytes.ts";
import { findStreamMethod } from "../../../src/crypto/stream_methods.ts";
import { SERVER_HANDSHAKE_TIMEOUT_MS } from "../../../src/limits.ts";
import type { ServerOptions } from "../../../src/service/server/server.ts";
import { ssrClient } from "../../../src/session/shadowsocksr/client.ts";
import { ssrMethod } from "../../../src/session/shadowsocksr/method.ts";
import type { Connection } from "../../../src/transport.ts";
import { seededBytes, utf8 } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";
import { ssrKeys, ssrWorld } from "../../support/ssr.ts";
import { readAll, readExactly, send } from "../../support/streams.ts";
import { accepted, SERVER, TARGET, World } from "../../support/world.ts";

const KEY = new Uint8Array(16).fill(7);
const SITE = { host: "10.0.0.9", port: 443 };
/** Both ends of it. */
const ONE = 2;
const GARBAGE = seededBytes(600, 1);

function options(
  obfs = "plain",
  redirect: ServerOptions["redirect"] = [SITE],
): Partial<ServerOptions> {
  return {
    method: ssrMethod(findStreamMethod("none")!),
    masterKey: KEY,
    ssr: { protocol: "auth_aes128_md5", obfs },
    redirect,
  };
}

/** The first write of a client. */
function request(world: World, obfs = "plain"): Uint8Array {
  const stack = { protocol: "auth_aes128_md5", obfs, method: "none" };
  return ssrClient(ssrKeys(stack), { ...ssrWorld(), clock: world.clock })
    .request(TARGET, utf8("hello"));
}

/** Nothing arrives, and nothing closes, until the deadline does it. */
async function meetsSilence(world: World, client: Connection): Promise<void> {
  let isClosed = false;
  const reading = readAll(client.readable).then((bytes) => {
    isClosed = true;
    return bytes;
  });
  await world.clock.advance(SERVER_HANDSHAKE_TIMEOUT_MS - 1);
  assert.equal(isClosed, false);
  await world.clock.advance(SERVER_HANDSHAKE_TIMEOUT_MS);
  assert.deepEqual(await reading, NOTHING);
  client.close();
}

for (const pieces of [1, 3]) {
  test(`a site gets every byte of a stranger's, in ${pieces} pieces, and answers it`, async () => {
    const world = new World();
    await world.server(options());
    const site = await world.target(SITE);
    const client = await world.network.dial(SERVER);
    const size = GARBAGE.length / pieces;
    for (let i = 0; i < pieces; i++) {
      await send(client, GARBAGE.subarray(i * size, (i + 1) * size));
      await settle();
    }
    const far = await accepted(site);
    assert.deepEqual(await readExactly(far, GARBAGE.length), GARBAGE);
    const answer = seededBytes(100_000, 2);
    const answering = send(far, answer).then(() => far.closeWrite());
    assert.deepEqual(await readAll(client.readable), answer);
    await answering;
    // What follows the site's end still arrives there.
    await send(client, utf8("more"));
    await client.closeWrite();
    assert.deepEqual(await readAll(far.readable), utf8("more"));
    for (const end of [client, far]) end.close();
    await settle();
    assert.equal(world.network.openConnections, 0);
    assert.equal(world.logged("code", "ERR_SS_AUTHENTICATION").length, 1);
    await world.stop();
  });
}

test("a piece that may still become a request waits for the rest", async () => {
  const world = new World();
  await world.server(options());
  const site = await world.target(SITE);
  const client = await world.network.dial(SERVER);
  await send(client, GARBAGE.subarray(0, 4));
  await settle();
  assert.equal(world.network.openConnections, ONE);
  await send(client, GARBAGE.subarray(4));
  const far = await accepted(site);
  assert.deepEqual(await readExactly(far, GARBAGE.length), GARBAGE);
  for (const end of [client, far]) end.close();
  await world.stop();
});

test("clients with the key are served; their recordings are for the site", async () => {
  const world = new World();
  await world.server(options());
  const site = await world.target(SITE);
  const target = await world.target();
  const recorded = request(world);
  const client = await world.network.dial(SERVER);
  await send(client, recorded);
  const served = await accepted(target);
  assert.deepEqual(await readExactly(served, 5), utf8("hello"));
  const replayed = await world.network.dial(SERVER);
  await send(replayed, recorded);
  const far = await accepted(site);
  assert.deepEqual(await readExactly(far, recorded.length), recorded);
  for (const end of [client, served, replayed, far]) end.close();
  await world.stop();
});

test("who was answered already meets silence: no site could go on from there", async () => {
  const world = new World();
  await world.server(options("tls1.2_ticket_auth"));
  const site = await world.target(SITE);
  const client = await world.network.dial(SERVER);
  await send(client, request(world, "tls1.2_ticket_auth"));
  const reader = client.readable.getReader();
  assert.equal((await reader.read()).value?.[0], 0x16);
  await send(client, GARBAGE);
  await settle();
  // The site has not been dialled.
  assert.equal(world.network.openConnections, ONE);
  client.close();
  site.close();
  await world.stop();
});

test("strangers meet silence where no site is named, or it is not there", async () => {
  for (const redirect of [[], [SITE]]) {
    const world = new World();
    await world.server(options("plain", redirect));
    const client = await world.network.dial(SERVER);
    await send(client, GARBAGE);
    await meetsSilence(world, client);
    await world.stop();
  }
});

test("a site that is the server itself is not dialled", async () => {
  const world = new World();
  await world.server(options("plain", [SERVER]));
  const client = await world.network.dial(SERVER);
  await send(client, GARBAGE);
  await settle();
  assert.equal(world.network.openConnections, ONE);
  await meetsSilence(world, client);
  await world.stop();
});

test("a reload takes other sites", async () => {
  const world = new World();
  const server = await world.server(options("plain", []));
  server.update(options() as ServerOptions);
  const site = await world.target(SITE);
  const client = await world.network.dial(SERVER);
  await send(client, GARBAGE);
  const far = await accepted(site);
  assert.deepEqual(await readExactly(far, 600), GARBAGE);
  for (const end of [client, far]) end.close();
  await world.stop();
});
