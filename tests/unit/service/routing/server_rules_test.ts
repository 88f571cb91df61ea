/**
 * An ACL at a server: targets and clients.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clientAddressRoutes,
  outboundRoutes,
} from "../../../../src/routes/acl/acl_routes.ts";
import { readAcl } from "../../../../src/routes/acl/read_acl.ts";
import { publicTarget } from "../../../../src/security/target_policy.ts";
import type { ServerRoutes } from "../../../../src/service/routing/server_rules.ts";
import type { ServerOptions } from "../../../../src/service/server/server.ts";
import { utf8 } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import { send } from "../../../support/streams.ts";
import { SERVER, World } from "../../../support/world.ts";

const NAMES = {
  "open.test": ["10.0.0.3"],
  "mixed.test": ["10.66.0.1", "10.0.0.3"],
  "bad.test": ["10.66.0.1"],
  "ads.test": ["10.0.0.3"],
};

function routes(text: string): ServerRoutes {
  const acl = readAcl([{ file: "s.acl", text }], () => undefined);
  return { targets: outboundRoutes(acl), clients: clientAddressRoutes(acl) };
}

/** Targets that a server has dialled for a host. */
async function dialledFor(
  host: string,
  options: Partial<ServerOptions>,
): Promise<string[]> {
  const world = new World({ names: NAMES });
  for (const ip of ["10.0.0.3", "10.66.0.1"]) {
    await world.network.listen({ host: ip, port: 80 });
  }
  await world.server(options);
  await world.local();
  const isIp = /^\d/.test(host);
  const address = isIp
    ? "01" + Uint8Array.from(host.split("."), Number).toHex()
    : "03" + host.length.toString(16).padStart(2, "0") + utf8(host).toHex();
  const { client } = await world.connect(`050100${address}0050`);
  await send(client, utf8("hello"));
  await settle();
  client.close();
  await world.stop();
  return world.network.dialled
    .filter((one) => one.endsWith(":80"));
}

test("a server with a block list: names, addresses, and what names resolve to", async () => {
  const blocking = {
    routes: routes("[outbound_block_list]\n||ads.test\n10.66.0.0/16\n"),
  };
  for (
    const [host, dialled] of [
      ["10.0.0.3", ["10.0.0.3:80"]],
      ["open.test", ["10.0.0.3:80"]],
      ["ads.test", []],
      ["x.ads.test", []],
      ["10.66.0.1", []],
      ["bad.test", []],
      // Of several addresses, the one that is not blocked.
      ["mixed.test", ["10.0.0.3:80"]],
    ] as const
  ) assert.deepEqual(await dialledFor(host, blocking), dialled, host);
});

test("a server with an allow list: what is not in it is blocked", async () => {
  const allowing = {
    routes: routes(
      "[outbound_block_all]\n[outbound_allow_list]\n|open.test\n10.66.0.0/16\n" +
        "[outbound_block_list]\n10.0.0.9\n",
    ),
  };
  for (
    const [host, dialled] of [
      ["open.test", ["10.0.0.3:80"]],
      ["10.0.0.3", []],
      ["ads.test", []],
      ["10.66.0.1", ["10.66.0.1:80"]],
      ["bad.test", ["10.66.0.1:80"]],
    ] as const
  ) assert.deepEqual(await dialledFor(host, allowing), dialled, host);
});

test("an allow list opens nothing that the target policy refuses", async () => {
  const options = {
    targetPolicy: publicTarget,
    routes: routes("[outbound_allow_list]\n|open.test\n10.0.0.3\n"),
  };
  assert.deepEqual(await dialledFor("open.test", options), []);
  assert.deepEqual(await dialledFor("10.0.0.3", options), []);
});

test("a client that is not let in meets silence until the deadline", async () => {
  for (
    const [text, isServed] of [
      ["[reject_all]\n[white_list]\n10.5.0.0/16\n", false],
      ["[accept_all]\n[black_list]\n127.0.0.0/8\n", false],
      ["[reject_all]\n[white_list]\n127.0.0.0/8\n", true],
      ["[accept_all]\n[black_list]\n10.5.0.0/16\n", true],
    ] as const
  ) {
    const dialled = await dialledFor("10.0.0.3", { routes: routes(text) });
    assert.deepEqual(dialled, isServed ? ["10.0.0.3:80"] : [], text);
  }
  const world = new World();
  await world.server({ routes: routes("[reject_all]") });
  const stranger = await world.network.dial(SERVER);
  let isClosed = false;
  const reading = stranger.readable.getReader().read().then(({ done }) => {
    isClosed = done;
  });
  await send(stranger, new Uint8Array(100));
  await world.clock.advance(50_000);
  await settle();
  assert.equal(isClosed, false);
  await world.clock.advance(60_000);
  await reading;
  assert.equal(isClosed, true);
  assert.equal(world.logged("code", "ERR_CLIENT_BLOCKED").length, 1);
  await world.stop();
});
