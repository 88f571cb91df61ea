import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromLatin1 } from "../../../../src/bytes.ts";
import { describeProtocol } from "../../../../src/service/inbound/protocols.ts";
import type { InboundProtocol } from "../../../../src/service/inbound/inbound.ts";
import { hex, utf8 } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import { readAll, readExactly, send } from "../../../support/streams.ts";
import { accepted, LOCAL, World } from "../../../support/world.ts";

const SOCKS5 = "050100" + "050100010a0000030050";
const SOCKS4 = "040100500a000003666f6f00";
const SOCKS4A = "0401005000000001666f6f00" + "736974652e6578616d706c6500";
const CONNECT = utf8("CONNECT 10.0.0.3:80 HTTP/1.1\r\n\r\n").toHex();
const GRANTED = "005a000000000000";
const REJECTED = "005b000000000000";

/** What comes back for these bytes until the connection ends. */
async function answerTo(world: World, wire: string): Promise<Uint8Array> {
  const client = await world.network.dial(LOCAL);
  await send(client, hex(wire));
  await client.closeWrite();
  const seen = await readAll(client.readable);
  client.close();
  return seen;
}

describe("by the first byte", () => {
  const cases: [InboundProtocol, string, string][] = [
    ["mixed", "SOCKS5", SOCKS5],
    ["mixed", "SOCKS4", SOCKS4],
    ["mixed", "SOCKS4a", SOCKS4A],
    ["mixed", "HTTP", CONNECT],
    ["socks", "SOCKS5", SOCKS5],
    ["socks", "SOCKS4", SOCKS4],
    ["http", "HTTP", CONNECT],
  ];
  for (const [protocol, spoken, wire] of cases) {
    for (const split of [1, Infinity]) {
      test(`${protocol} takes ${spoken}, reads of ${split} bytes`, async () => {
        const names = { "site.example": ["10.0.0.3"] };
        const world = new World({ names, split });
        await world.server();
        await world.local({ protocol });
        const target = await world.target();
        const client = await world.network.dial(LOCAL);
        await send(client, hex(wire), utf8("hello"));
        const far = await accepted(target);
        assert.deepEqual(await readExactly(far, 5), utf8("hello"));
        client.close();
        far.close();
        await settle();
        await world.stop();
        assert.equal(world.network.openConnections, 0);
      });
    }
  }

  test("mixed closes on anything else, and says why", async () => {
    const world = new World();
    await world.local();
    for (const first of ["16", "00", "06", "40", "5b", "61", "ff"]) {
      assert.equal((await answerTo(world, first + "0301")).length, 0);
    }
    const lines = world.logged("code", "ERR_INBOUND_PROTOCOL");
    assert.equal(lines.length, 7);
    assert.match(String(lines[0]?.fields["reason"]), /first byte is 0x16/);
    await world.stop();
  });

  test("socks takes no HTTP, http takes no SOCKS", async () => {
    const world = new World();
    await world.local({ protocol: "socks" });
    assert.equal((await answerTo(world, CONNECT)).length, 0);
    await world.stop();
    const other = new World();
    await other.local({ protocol: "http" });
    for (const wire of [SOCKS4, SOCKS5]) {
      const seen = fromLatin1(await answerTo(other, wire + "0d0a0d0a"));
      assert.match(seen, /^HTTP\/1\.1 400 /);
    }
    await other.stop();
  });

  test("an application that says nothing has a deadline", async () => {
    const world = new World();
    await world.local({ handshakeTimeoutMs: 500 });
    const client = await world.network.dial(LOCAL);
    await world.clock.advance(500);
    assert.equal((await readAll(client.readable)).length, 0);
    client.close();
    await world.clock.advance(2_000);
    assert.equal(world.network.openConnections, 0);
    await world.stop();
  });
});

describe("SOCKS4", () => {
  test("is granted with 5A, once the server is connected", async () => {
    const world = new World({ names: { "site.example": ["10.0.0.3"] } });
    await world.server();
    await world.local();
    const target = await world.target();
    for (const wire of [SOCKS4, SOCKS4A]) {
      const client = await world.network.dial(LOCAL);
      await send(client, hex(wire));
      assert.equal((await readExactly(client, 8)).toHex(), GRANTED);
      await world.clock.advance(100);
      const far = await accepted(target);
      await send(far, utf8("220"));
      assert.deepEqual(await readExactly(client, 3), utf8("220"));
      client.close();
      far.close();
    }
    await settle();
    await world.stop();
  });

  test("is rejected with 5B: BIND, port 0, no name, endless fields", async () => {
    const world = new World();
    await world.local();
    const cases = [
      ["040200500a00000300", "ERR_SOCKS_COMMAND"],
      ["040900500a00000300", "ERR_SOCKS_COMMAND"],
      ["040100000a00000300", "ERR_SOCKS_MALFORMED"],
      ["0401005000000001" + "00" + "00", "ERR_SOCKS_MALFORMED"],
      ["040100500a000003" + "61".repeat(256), "ERR_SOCKS_MALFORMED"],
      ["0401005000000001" + "00" + "61".repeat(256), "ERR_SOCKS_MALFORMED"],
      ["040100500a0000", "ERR_SOCKS_TRUNCATED"],
    ] as const;
    for (const [wire, code] of cases) {
      const before = world.logged("code", code).length;
      assert.equal((await answerTo(world, wire)).toHex(), REJECTED, wire);
      assert.equal(world.logged("code", code).length, before + 1, wire);
    }
    await world.stop();
  });

  test("is rejected with 5B, when no server can be reached", async () => {
    const world = new World();
    await world.local();
    assert.equal((await answerTo(world, SOCKS4)).toHex(), REJECTED);
    assert.equal(world.logged("code", "ERR_NET_REFUSED").length, 1);
    await world.stop();
  });

  test("is refused where users are configured: it has no password", async () => {
    const world = new World();
    await world.server();
    await world.local({ users: [{ username: "foo", password: "secret" }] });
    for (const wire of [SOCKS4, SOCKS4A]) {
      assert.equal((await answerTo(world, wire)).toHex(), REJECTED);
    }
    const [line] = world.logged("code", "ERR_SOCKS_NO_METHOD");
    assert.match(
      String(line?.fields["reason"]),
      /SOCKS4, which has no password/,
    );
    assert.ok(!world.network.dialled.includes("10.0.0.2:8388"));
    await world.stop();
  });
});

describe("SOCKS5", () => {
  test("with nothing but GSSAPI is answered FF, and the log says why", async () => {
    const world = new World();
    await world.local();
    assert.equal((await answerTo(world, "050101")).toHex(), "05ff");
    const [line] = world.logged("code", "ERR_SOCKS_NO_METHOD");
    assert.match(String(line?.fields["reason"]), /GSSAPI/);
    await world.stop();
  });
});

describe("a tunnel", () => {
  const protocol = { tunnelTo: { host: "10.0.0.3", port: 80 } };

  test("leads to its target, whatever is said", async () => {
    const world = new World();
    await world.server();
    await world.local({ protocol, users: [] });
    const target = await world.target();
    const client = await world.network.dial(LOCAL);
    await send(client, hex(SOCKS5));
    const far = await accepted(target);
    assert.equal((await readExactly(far, 13)).toHex(), SOCKS5);
    await send(far, utf8("x"));
    assert.deepEqual(await readExactly(client, 1), utf8("x"));
    client.close();
    far.close();
    await settle();
    await world.stop();
  });

  test("lets the target speak first, and passes its end on", async () => {
    const world = new World();
    await world.server();
    await world.local({ protocol });
    const target = await world.target();
    const client = await world.network.dial(LOCAL);
    await world.clock.advance(100);
    const far = await accepted(target);
    await send(far, utf8("220 welcome"));
    await far.closeWrite();
    assert.deepEqual(await readAll(client.readable), utf8("220 welcome"));
    await send(client, utf8("bye"));
    assert.deepEqual(await readExactly(far, 3), utf8("bye"));
    client.close();
    far.close();
    await settle();
    await world.stop();
  });

  test("ends without a word, when no server can be reached", async () => {
    const world = new World();
    await world.local({ protocol });
    assert.equal((await answerTo(world, "00")).length, 0);
    assert.equal(world.logged("code", "ERR_NET_REFUSED").length, 1);
    await world.stop();
  });
});

test("describeProtocol() tells what is spoken", () => {
  assert.equal(describeProtocol("mixed", false), "SOCKS4/5 and HTTP");
  assert.equal(
    describeProtocol("mixed", true),
    "SOCKS5 and HTTP with password",
  );
  assert.equal(describeProtocol("socks", true), "SOCKS5 with password");
  assert.equal(
    describeProtocol({ tunnelTo: { host: "::1", port: 53 } }, false),
    "to [::1]:53",
  );
});
