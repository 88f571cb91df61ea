/**
 * Tests SIP008 documents at secret paths.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseOnlineConfig } from "../../../src/codec/sip008.ts";
import { formatSsrUri } from "../../../src/codec/ssr_uri.ts";
import { AdminWorld, TOKEN } from "../../support/admin_world.ts";
import { BOB_PSK, SERVER_PSK, SPARE_PSK } from "../../support/fake_operator.ts";

const BOB = "/api/servers/8388/users/bob";

async function pathOf(world: AdminWorld, user = BOB): Promise<string> {
  return (await world.json(`${user}/uri`)).sip008;
}

describe("a SIP008 document", () => {
  test("tells how to connect, what is used and what is left, live", async () => {
    const world = new AdminWorld();
    const path = await pathOf(world);
    const { id, ...server } = (await world.json(path)).servers[0];
    assert.match(
      id,
      /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/,
    );
    assert.deepEqual(server, {
      remarks: "bob",
      server: "server.example",
      server_port: 8388,
      password: `${SERVER_PSK}:${BOB_PSK}`,
      method: "2022-blake3-aes-128-gcm",
    });
    world.operator.move("8388", "bob", { up: 30, down: 40 });
    const unlimited = await world.json(path);
    assert.equal(unlimited.version, 1);
    assert.equal(unlimited.bytes_used, 70);
    assert.ok(!("bytes_remaining" in unlimited));
    for (const [quotaBytes, left] of [[100, 30], [50, 0]] as const) {
      world.operator.changeUser("8388", "bob", { limits: { quotaBytes } });
      assert.equal((await world.json(path)).bytes_remaining, left);
    }
    const { headers } = await world.ask(path);
    assert.match(headers.get("content-type")!, /^application\/json/);
  });

  test("tells what is used on every server of a fleet, if that is known", async () => {
    const world = new AdminWorld();
    const { operator } = world;
    operator.move("8388", "bob", { up: 1, down: 2 });
    operator.changeUser("8388", "bob", { limits: { quotaBytes: 1_000 } });
    operator.used = (server, name) => {
      assert.deepEqual([server, name], ["8388", "bob"]);
      return Promise.resolve({ bytesUp: 100, bytesDown: 500 });
    };
    const path = await pathOf(world);
    const found = await world.json(path);
    assert.deepEqual([found.bytes_used, found.bytes_remaining], [600, 400]);
    const { headers } = await world.ask(path);
    assert.equal(
      headers.get("subscription-userinfo"),
      "upload=100; download=500; total=1000",
    );
    const page = path.replace("sip008", "invite");
    const asBrowser = { headers: { accept: "text/html" } };
    const shown = async (): Promise<boolean> =>
      (await (await world.ask(page, asBrowser)).text()).includes('value="400"');
    assert(await shown());
    operator.used = () => Promise.resolve(undefined);
    const unknown = await world.json(path);
    assert.equal(unknown.servers.length, 1);
    assert(!("bytes_used" in unknown) && !("bytes_remaining" in unknown));
    const answer = await world.ask(path);
    assert.equal(answer.headers.get("subscription-userinfo"), null);
    assert(!await shown());
  });

  test("is a subscription of ShadowsocksR, where the server speaks that", async () => {
    const world = new AdminWorld();
    const { operator } = world;
    const find = operator.credentials.bind(operator);
    const uri = formatSsrUri({
      ...{ host: "server.example", port: 8388, password: "of the port" },
      ...{ method: "none", protocol: "auth_chain_a", obfs: "plain" },
      ...{ protocolParam: "1001:secret", tag: "bob" },
    });
    operator.credentials = (id, name) => {
      const found = find(id, name);
      return found && { ...found, uri };
    };
    const answer = await world.ask(await pathOf(world));
    assert.match(answer.headers.get("content-type")!, /^text\/plain/);
    const { servers } = parseOnlineConfig(await answer.text());
    const links = servers.map((one) => "ssr" in one && formatSsrUri(one.ssr));
    assert.deepEqual(links, [uri]);
  });

  test("is served to phones that know no token, under any name", async () => {
    const world = new AdminWorld({ token: TOKEN });
    const authorization = `Bearer ${TOKEN}`;
    const { sip008 } = await world.json(`${BOB}/uri`, {
      headers: { authorization },
    });
    const headers = { host: "sub.example", "sec-fetch-site": "cross-site" };
    assert.equal((await world.ask(sip008, { headers })).status, 200);
  });

  test("moves when the password changes, and keeps its id", async () => {
    const world = new AdminWorld();
    const before = await pathOf(world);
    const { id } = (await world.json(before)).servers[0];
    world.operator.changeUser("8388", "bob", { password: SPARE_PSK });
    assert.equal((await world.ask(before)).status, 404);
    const after = await pathOf(world);
    assert.notEqual(after, before);
    assert.equal((await world.json(after)).servers[0].id, id);
  });

  test("is gone, when its user is disabled or removed", async () => {
    const world = new AdminWorld();
    const path = await pathOf(world);
    world.operator.changeUser("8388", "bob", { disabled: true });
    assert.equal((await world.ask(path)).status, 404);
    world.operator.changeUser("8388", "bob", { disabled: false });
    assert.equal((await world.ask(path)).status, 200);
    world.operator.removeUser("8388", "bob");
    assert.equal((await world.ask(path)).status, 404);
  });

  test("belongs to one user: no other user's proof opens it", async () => {
    const world = new AdminWorld();
    const bob = await pathOf(world);
    const alice = await pathOf(world, "/api/servers/8388/users/alice");
    const [owner] = bob.split(".");
    const [, proof] = alice.split(".");
    assert.equal((await world.ask(`${owner}.${proof}`)).status, 404);
  });

  test("is nowhere else, whatever is asked for", async () => {
    const world = new AdminWorld();
    const path = await pathOf(world);
    const flipped = path.slice(0, -2) + (path.at(-2) === "A" ? "B" : "A") +
      path.at(-1);
    for (
      const wrong of [flipped, path.slice(0, -1), `${path}A`, `${path}/x`]
        .concat(path.split(".")[0]!, "/sip008", "/sip008/", "/sip008/.")
        .concat(
          "/sip008/!!!.!!!",
          `/sip008/${"A".repeat(50)}.${"A".repeat(43)}`,
        )
    ) {
      const { status } = await world.ask(wrong);
      assert.equal(status, 404, wrong);
    }
  });
});

describe("a SIP008 document of a fleet", () => {
  test("has every server that the operator names, with an id of its own", async () => {
    const world = new AdminWorld();
    const { operator } = world;
    const path = await pathOf(world);
    const [alone] = (await world.json(path)).servers;
    const { uri } = operator.credentials("8388", "bob")!;
    const other = uri.replace("server.example", "other.example")
      .replace("#bob", "#bob%20two");
    let links = [other, uri];
    operator.links = () => Promise.resolve(links);
    const { servers } = await world.json(path);
    assert.deepEqual(
      servers.map((one: { server: string; remarks: string }) => [
        one.server,
        one.remarks,
      ]),
      [["other.example", "bob two"], ["server.example", "bob"]],
    );
    // The id is the same, so that clients recognize the server.
    assert.equal(servers[1].id, alone.id);
    assert.notEqual(servers[0].id, alone.id);
    links = [uri];
    assert.deepEqual((await world.json(path)).servers, [alone]);
    links = [];
    assert.equal((await world.ask(path)).status, 404);
  });

  test("and the other forms too", async () => {
    const world = new AdminWorld();
    const { operator } = world;
    const { invite } = await world.json(`${BOB}/uri`);
    const path = new URL(invite).pathname;
    const { uri } = operator.credentials("8388", "bob")!;
    const other = uri.replace("server.example", "other.example");
    operator.links = () => Promise.resolve([other, uri]);
    for (const form of ["links", "clash", "sing-box"]) {
      const text = await (await world.ask(`${path}/${form}`)).text();
      const plain = form === "links"
        ? new TextDecoder().decode(Uint8Array.fromBase64(text))
        : text;
      assert(plain.includes("other.example"), form);
      assert(plain.includes("server.example"), form);
    }
    const page = await world.ask(path, { headers: { accept: "text/html" } });
    // The QR code contains the server that is tried first.
    assert.match(await page.text(), /value="ss:[^"]*other\.example/);
  });
});
