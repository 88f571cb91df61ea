import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../../src/bytes.ts";
import { PROXY_HEADER_TIMEOUT_MS } from "../../../src/limits.ts";
import { silentMetrics } from "../../../src/observe.ts";
import { systemRandomBytes } from "../../../src/random.ts";
import type { ServerService } from "../../../src/service/server/server.ts";
import { clientProtocol } from "../../../src/session/families.ts";
import type { Connection, Listener } from "../../../src/transport.ts";
import { seededBytes, utf8 } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";
import { serverWorld } from "../../support/sessions.ts";
import { observe, send } from "../../support/streams.ts";
import { accepted, SERVER, TARGET, World } from "../../support/world.ts";

/** Where connections come from in memory. */
const PROXY = "127.0.0.1";
const LINE = utf8("PROXY TCP4 192.0.2.7 10.0.0.2 4711 8388\r\n");
const BINARY = Uint8Array.fromHex(
  "0d0a0d0a000d0a515549540a2111000cc0000207c00002011267ffff",
);
const LOCAL = Uint8Array.fromHex(
  "0d0a0d0a000d0a515549540a2000000703000" + "4a9b87e8f",
);

class Scene {
  readonly world = new World();
  readonly refused: string[] = [];
  opened = 0;
  service!: ServerService;
  target!: Listener;

  async start(maxConnectionsPerHost = Infinity): Promise<this> {
    this.world.metrics = {
      ...silentMetrics,
      connectionOpened: () => this.opened++,
      connectionRefused: (code) => this.refused.push(code),
    };
    this.target = await this.world.target();
    this.service = await this.world.server({
      proxyFrom: ["127.0.0.0/8"],
      maxConnectionsPerHost,
    });
    return this;
  }

  dial(): Promise<Connection> {
    return this.world.network.dial(SERVER);
  }

  /** A request for the target. */
  request(): Uint8Array {
    const { method, masterKey, clock } = this.world;
    const world = { ...serverWorld({ randomBytes: systemRandomBytes }), clock };
    const address = { kind: "ipv4", ...TARGET } as const;
    return clientProtocol({ method, masterKey }, world).stream()
      .request(address, utf8("hello"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.target.close();
    await this.world.stop();
  }
}

describe("a proxy that names its client", () => {
  for (const header of [LINE, BINARY]) {
    const version = header === LINE ? 1 : 2;
    test(`by version ${version} is served as that client, split anywhere`, async () => {
      await using scene = await new Scene().start();
      const whole = concat(header, scene.request());
      for (let cut = 1; cut < header.length + 3; cut++) {
        const request = concat(header, scene.request());
        assert.equal(request.length, whole.length);
        const client = await scene.dial();
        await send(client, request.subarray(0, cut));
        await settle();
        await send(client, request.subarray(cut));
        const far = await accepted(scene.target);
        const seen = observe(far);
        await settle();
        assert.deepEqual(seen().received, utf8("hello"), `cut at ${cut}`);
        client.close();
        far.close();
        await settle();
        assert.equal(
          scene.world.lines.at(-1)!.fields["client"],
          "192.0.2.7",
        );
      }
      assert.deepEqual(scene.refused, []);
    });
  }

  test("counts for its own share of connections, and not for the proxy's", async () => {
    await using scene = await new Scene().start(2);
    const clients: Connection[] = [];
    for (let i = 0; i < 6; i++) {
      const client = await scene.dial();
      clients.push(client);
      const line = `PROXY TCP4 192.0.2.${i % 3} 10.0.0.2 4711 8388\r\n`;
      await send(client, concat(utf8(line), scene.request()));
      await accepted(scene.target);
    }
    assert.deepEqual(scene.refused, []);
    const third = await scene.dial();
    await send(third, utf8("PROXY TCP4 192.0.2.1 10.0.0.2 4711 8388\r\n"));
    const seen = observe(third);
    await settle();
    assert.notEqual(seen().end, "open");
    assert.deepEqual(scene.refused, ["ERR_POLICY_HOST_CONNECTIONS"]);
    for (const client of clients) client.close();
  });

  test("or speaks for itself is closed without a word", async () => {
    await using scene = await new Scene().start();
    const asking = await scene.dial();
    await send(asking, LOCAL);
    const knocking = await scene.dial();
    await knocking.closeWrite();
    const seen = [asking, knocking].map(observe);
    await settle();
    for (const one of seen) assert.notEqual(one().end, "open");
    assert.deepEqual([scene.opened, scene.refused], [0, []]);
    assert.deepEqual(
      scene.world.lines.filter((one) => one.level !== "info"),
      [],
    );
  });
});

describe("a proxy that names no client", () => {
  for (
    const [name, bytes] of [
      ["speaks something else", seededBytes(64)],
      ["sends a megabyte of a line", new Uint8Array(1 << 20).fill(0x50)],
      ["breaks off", LINE.subarray(0, 20)],
    ] as const
  ) {
    test(`and ${name} is closed and counted`, async () => {
      await using scene = await new Scene().start();
      const client = await scene.dial();
      const seen = observe(client);
      await send(client, bytes).catch(() => {});
      await client.closeWrite().catch(() => {});
      await settle();
      assert.notEqual(seen().end, "open");
      assert.deepEqual(scene.refused, ["ERR_PROXY_HEADER"]);
      assert.equal(seen().received.length, 0);
    });
  }

  test("in time is closed and counted, and leaves nothing behind", async () => {
    await using scene = await new Scene().start();
    const client = await scene.dial();
    const seen = observe(client);
    await send(client, LINE.subarray(0, 20));
    await scene.world.clock.advance(PROXY_HEADER_TIMEOUT_MS - 1);
    assert.equal(seen().end, "open");
    await scene.world.clock.advance(1);
    await settle();
    assert.notEqual(seen().end, "open");
    assert.deepEqual(scene.refused, ["ERR_PROXY_HEADER"]);
    assert.equal(scene.world.clock.pending, 0);
  });
});

test("a header of a stranger is noise, and never an address", async () => {
  const world = new World();
  await using _stop = { [Symbol.asyncDispose]: () => world.stop() };
  await world.server({ proxyFrom: ["10.9.0.0/16"] });
  const client = await world.network.dial(SERVER);
  const seen = observe(client);
  await send(client, concat(LINE, seededBytes(100)));
  await settle();
  assert.equal(seen().end, "open");
  assert.equal(world.lines.at(-1)!.fields["client"], PROXY);
  assert.equal(world.lines.at(-1)!.fields["code"], "ERR_SS_AUTHENTICATION");
  client.close();
});
