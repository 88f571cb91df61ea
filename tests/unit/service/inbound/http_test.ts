import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromLatin1, toLatin1 } from "../../../../src/bytes.ts";
import type { TransportErrorCode } from "../../../../src/errors.ts";
import type { MemoryConnection } from "../../../../src/adapters/net/memory.ts";
import type { LocalOptions } from "../../../../src/service/inbound/local.ts";
import type { Connection, Listener } from "../../../../src/transport.ts";
import { settle } from "../../../support/fake_clock.ts";
import { readAll, readExactly, send } from "../../../support/streams.ts";
import { accepted, LOCAL, World } from "../../../support/world.ts";

const OTHER = { host: "10.0.0.4", port: 8080 };
/** How the end of what was cut is seen. */
const RESET = { code: "ERR_NET_RESET" };
const USERS = [{ username: "ann", password: "secret" }];
const PASS = `Proxy-Authorization: Basic ${btoa("ann:secret")}\r\n`;

/** What the target is sent for `GET http://10.0.0.3/PATH`. */
const got = (path: string): string =>
  `GET /${path} HTTP/1.1\r\nHost: 10.0.0.3\r\n\r\n`;
const get = (path: string, fields = ""): string =>
  `GET http://10.0.0.3/${path} HTTP/1.1\r\nHost: 10.0.0.3\r\n${fields}\r\n`;
const ok = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** A chain with a target, and an application that speaks HTTP. */
class Scene {
  readonly world: World;
  readonly target: Listener;
  readonly client: Connection;

  private constructor(world: World, target: Listener, client: Connection) {
    this.world = world;
    this.target = target;
    this.client = client;
  }

  static async start(
    options: Partial<LocalOptions> = {},
    world: World = new World(),
  ): Promise<Scene> {
    await world.server();
    await world.local(options);
    const target = await world.target();
    return new Scene(world, target, await world.network.dial(LOCAL));
  }

  ask(text: string): Promise<void> {
    return send(this.client, toLatin1(text));
  }

  /** Waits for exactly this text, and for nothing behind it. */
  async sees(text: string): Promise<void> {
    await expect(this.client, text);
  }

  /** Everything until the connection ends. */
  async rest(): Promise<string> {
    return fromLatin1(await readAll(this.client.readable));
  }

  async end(...others: Connection[]): Promise<void> {
    this.client.close();
    for (const other of others) other.close();
    await settle();
    // A request that was repeated waits here for somebody to accept it.
    this.target.close();
    await settle();
    await this.world.stop();
    assert.equal(this.world.network.openConnections, 0);
    assert.equal(this.world.clock.pending, 0);
  }
}

async function expect(connection: Connection, text: string): Promise<void> {
  const bytes = await readExactly(connection, text.length);
  assert.equal(fromLatin1(bytes), text);
}

function answer(connection: Connection, text: string): Promise<void> {
  return send(connection, toLatin1(text));
}

describe("CONNECT", () => {
  test("relays raw bytes, also those that came with it", async () => {
    const scene = await Scene.start();
    await scene.ask("CONNECT 10.0.0.3:80 HTTP/1.1\r\n\r\n\x16early");
    const far = await accepted(scene.target);
    await scene.sees("HTTP/1.1 200 Connection established\r\n\r\n");
    await expect(far, "\x16early");
    await answer(far, "\x00any\r\n");
    await scene.sees("\x00any\r\n");
    await scene.end(far);
  });

  test("comes after other requests on the same connection", async () => {
    const scene = await Scene.start();
    await scene.ask(get("1"));
    const first = await accepted(scene.target);
    await expect(first, got("1"));
    await answer(first, ok("one"));
    await scene.sees(ok("one"));
    await scene.ask("CONNECT 10.0.0.3:80 HTTP/1.1\r\n\r\nhello");
    await scene.sees("HTTP/1.1 200 Connection established\r\n\r\n");
    const second = await accepted(scene.target);
    await expect(second, "hello");
    await scene.end(first, second);
  });

  test("is answered by the error of the dial, and closed", async () => {
    const failures = new Map<string, TransportErrorCode>();
    const world = new World({ dialFailures: failures });
    const scene = await Scene.start({}, world);
    for (
      const [code, status] of [
        ["ERR_NET_REFUSED", "502 Bad Gateway"],
        ["ERR_NET_TIMEOUT", "504 Gateway Timeout"],
        ["ERR_NET_PERMISSION", "403 Forbidden"],
      ] as const
    ) {
      failures.set("10.0.0.2:8388", code);
      const client = await world.network.dial(LOCAL);
      await answer(client, "CONNECT 10.0.0.3:80 HTTP/1.1\r\n\r\nGET ");
      const text = fromLatin1(await readAll(client.readable));
      assert.ok(text.startsWith(`HTTP/1.1 ${status}\r\n`), text);
      assert.match(text, /\r\nConnection: close\r\n/);
      client.close();
    }
    await scene.end();
  });
});

describe("a plain request", () => {
  for (const split of [1, 7, Infinity]) {
    test(`is passed on, reads of ${split} bytes`, async () => {
      const scene = await Scene.start({}, new World({ split }));
      await scene.ask(get("a?b", "Connection: x\r\nX: y\r\nA: c\r\n"));
      const far = await accepted(scene.target);
      await expect(
        far,
        "GET /a?b HTTP/1.1\r\nHost: 10.0.0.3\r\nA: c\r\n\r\n",
      );
      await answer(far, ok("hello"));
      await scene.sees(ok("hello"));
      assert.equal(scene.world.network.dialled.at(-1), "10.0.0.3:80");
      await scene.end(far);
    });
  }

  test("leaves with salt and address in one segment", async () => {
    const world = new World();
    await world.local();
    const server = await world.network.listen({ host: "10.0.0.2", port: 8388 });
    const client = await world.network.dial(LOCAL);
    await answer(client, get(""));
    const far = await accepted(server);
    const { value } = await far.readable.getReader().read();
    assert.equal(value?.length, 32 + 18 + 7 + got("").length + 16);
    client.close();
    far.close();
    await world.stop();
  });

  test("is followed by others, over one connection to the target", async () => {
    const scene = await Scene.start();
    await scene.ask(get("1"));
    const far = await accepted(scene.target);
    for (const path of ["1", "2", "3"]) {
      if (path !== "1") await scene.ask(get(path));
      await expect(far, got(path));
      await answer(far, ok(path));
      await scene.sees(ok(path));
    }
    const dials = scene.world.network.dialled;
    assert.equal(dials.filter((to) => to === "10.0.0.3:80").length, 1);
    await scene.end(far);
  });

  test("waits for the one before it, when they are pipelined", async () => {
    const scene = await Scene.start();
    await scene.ask(get("1") + get("2") + get("3"));
    const far = await accepted(scene.target);
    for (const path of ["1", "2", "3"]) {
      await expect(far, got(path));
      await answer(far, ok(path));
      await scene.sees(ok(path));
    }
    await scene.end(far);
  });

  test("for another target gets a connection there", async () => {
    const scene = await Scene.start();
    const other = await scene.world.target(OTHER);
    await scene.ask(
      get("1") + "GET http://10.0.0.4:8080/2 HTTP/1.1\r\n\r\n" + get("3"),
    );
    const far = await accepted(scene.target);
    await expect(far, got("1"));
    await answer(far, ok("1"));
    await scene.sees(ok("1"));
    const second = await accepted(other);
    await expect(second, "GET /2 HTTP/1.1\r\nHost: 10.0.0.4:8080\r\n\r\n");
    assert.equal((await readAll(far.readable)).length, 0);
    await answer(second, ok("2"));
    await scene.sees(ok("2"));
    const third = await accepted(scene.target);
    await expect(third, got("3"));
    await answer(third, ok("3"));
    await scene.sees(ok("3"));
    await scene.end(far, second, third);
  });

  test("may be the last, and the answer then says so", async () => {
    const scene = await Scene.start();
    await scene.ask(get("", "Connection: close\r\n"));
    const far = await accepted(scene.target);
    await expect(far, got(""));
    await answer(far, ok("x"));
    assert.equal(
      await scene.rest(),
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
    );
    await scene.end(far);
  });

  test("is answered in full, when the client has ended its side", async () => {
    const scene = await Scene.start();
    await scene.ask(get(""));
    await scene.client.closeWrite();
    const far = await accepted(scene.target);
    await expect(far, got(""));
    await answer(far, ok("late"));
    assert.equal(await scene.rest(), ok("late"));
    await scene.end(far);
  });

  test("of HTTP/1.0 gets no chunks and no 1xx", async () => {
    const scene = await Scene.start();
    await scene.ask(
      "GET http://10.0.0.3/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    );
    const far = await accepted(scene.target);
    await expect(far, got(""));
    await answer(
      far,
      "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n" +
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    );
    assert.equal(
      await scene.rest(),
      "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc",
    );
    await scene.end(far);
  });
});

describe("a request's body", () => {
  const HEAD = "POST http://10.0.0.3/ HTTP/1.1\r\n";
  const SENT = "POST / HTTP/1.1\r\nHost: 10.0.0.3\r\n";

  test("is passed on by its length, and what follows is a request", async () => {
    const scene = await Scene.start();
    await scene.ask(HEAD + "Content-Length: 5\r\n\r\nhe");
    const far = await accepted(scene.target);
    await expect(far, SENT + "Content-Length: 5\r\n\r\nhe");
    await scene.ask("llo" + get("2"));
    await expect(far, "llo");
    await answer(far, ok("1"));
    await scene.sees(ok("1"));
    await expect(far, got("2"));
    await scene.end(far);
  });

  test("is passed on in chunks, without extensions and trailers", async () => {
    const scene = await Scene.start();
    await scene.ask(
      HEAD + "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n",
    );
    const far = await accepted(scene.target);
    await expect(
      far,
      SENT + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    );
    await scene.ask("01\r\nd\r\n0\r\nT: u\r\n\r\n" + get("2"));
    await expect(far, "1\r\nd\r\n0\r\n\r\n");
    await answer(far, ok("1"));
    await scene.sees(ok("1"));
    await expect(far, got("2"));
    await scene.end(far);
  });

  test("waits for 100 Continue, which is passed on", async () => {
    const scene = await Scene.start();
    const expects = "Expect: 100-continue\r\n";
    await scene.ask(HEAD + expects + "Content-Length: 1\r\n\r\n");
    const far = await accepted(scene.target);
    await expect(far, SENT + expects + "Content-Length: 1\r\n\r\n");
    await answer(far, "HTTP/1.1 100 Continue\r\n\r\n");
    await scene.sees("HTTP/1.1 100 Continue\r\n\r\n");
    await scene.ask("x");
    await expect(far, "x");
    await answer(far, ok("y"));
    await scene.sees(ok("y"));
    await scene.ask(get("2"));
    await expect(far, got("2"));
    await scene.end(far);
  });

  test("need not be complete for an answer, which is then the last", async () => {
    const scene = await Scene.start();
    await scene.ask(HEAD + "Content-Length: 9\r\n\r\nx");
    const far = await accepted(scene.target);
    await expect(far, SENT + "Content-Length: 9\r\n\r\nx");
    await answer(far, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    const ending = scene.rest();
    await settle();
    assert.equal(
      await ending,
      "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n" +
        "Connection: close\r\n\r\n",
    );
    await scene.world.clock.advance(2_000);
    await scene.end(far);
  });

  test("that is broken ends the exchange with 400", async () => {
    const scene = await Scene.start();
    await scene.ask(HEAD + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    const far = await accepted(scene.target);
    await expect(far, SENT + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    await scene.ask("-1\r\n");
    assert.match(await scene.rest(), /^HTTP\/1\.1 400 Bad Request\r\n/);
    await assert.rejects(readAll(far.readable), RESET);
    await scene.end(far);
  });
});

describe("a response's body", () => {
  async function exchange(
    response: string,
    fields = "",
  ): Promise<{ scene: Scene; far: Connection }> {
    const scene = await Scene.start();
    await scene.ask(get("", fields));
    const far = await accepted(scene.target);
    await expect(far, got(""));
    await answer(far, response);
    return { scene, far };
  }

  test("gets a new framing, when it comes in chunks", async () => {
    const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const { scene, far } = await exchange(
      head + "3;x\r\nabc\r\n0\r\nTrailer: t\r\n\r\n",
    );
    await scene.sees(head + "3\r\nabc\r\n0\r\n\r\n");
    await scene.end(far);
  });

  test("goes in chunks, when it ends with the target's connection", async () => {
    const { scene, far } = await exchange("HTTP/1.0 200 OK\r\n\r\nabc");
    await scene.sees(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    );
    await far.closeWrite();
    await scene.sees("0\r\n\r\n");
    await scene.ask(get("2"));
    const next = await accepted(scene.target);
    await expect(next, got("2"));
    await scene.end(far, next);
  });

  test("is absent from 204, 304 and HEAD; the next answer follows", async () => {
    const scene = await Scene.start();
    await scene.ask(
      get("1") + get("2") + "HEAD http://10.0.0.3/3 HTTP/1.1\r\n\r\n",
    );
    const far = await accepted(scene.target);
    await expect(far, got("1"));
    await answer(far, "HTTP/1.1 204 No\r\n\r\n");
    await scene.sees("HTTP/1.1 204 No\r\n\r\n");
    await expect(far, got("2"));
    await answer(far, "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n");
    await scene.sees("HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n");
    await expect(far, "HEAD /3 HTTP/1.1\r\nHost: 10.0.0.3\r\n\r\n");
    await answer(far, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    await scene.sees("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    await scene.end(far);
  });

  test("that ends with a connection that breaks is never completed", async () => {
    const { scene, far } = await exchange("HTTP/1.0 200 OK\r\n\r\nabc");
    await scene.sees(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    );
    (far as MemoryConnection).reset();
    await assert.rejects(scene.rest(), RESET);
    await scene.end();
  });

  test("of an old server is repaired and gets a new framing", async () => {
    const { scene, far } = await exchange(
      "HTTP/1.1 200 OK\nTransfer-Encoding : chunked\nX: a\n b\n\n2   \nhi\n" +
        "0\n\n",
    );
    await scene.sees(
      "HTTP/1.1 200 OK\r\nX: a b\r\nTransfer-Encoding: chunked\r\n\r\n" +
        "2\r\nhi\r\n0\r\n\r\n",
    );
    // Its connection is not trusted with another request.
    await scene.ask(get("2"));
    const next = await accepted(scene.target);
    await expect(next, got("2"));
    await scene.end(far, next);
  });

  test("that breaks off ends the connection, and no 502 is put into it", async () => {
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
    const { scene, far } = await exchange(head + "abc");
    await scene.sees(head + "abc");
    far.close();
    await assert.rejects(scene.rest(), RESET);
    assert.equal(scene.world.logged("code", "ERR_HTTP_TRUNCATED").length, 1);
    await scene.end();
  });

  test("that is broken ends the connection", async () => {
    const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const { scene, far } = await exchange(head);
    await scene.sees(head);
    await answer(far, "0x1\r\na\r\n");
    await assert.rejects(scene.rest(), RESET);
    await scene.end(far);
  });

  test("with bytes behind it costs the target its connection", async () => {
    const { scene, far } = await exchange(ok("a") + ok("smuggled"));
    await scene.sees(ok("a"));
    await scene.ask(get("2"));
    const next = await accepted(scene.target);
    await expect(next, got("2"));
    await answer(next, ok("b"));
    await scene.sees(ok("b"));
    await scene.end(far, next);
  });

  test("stalls the target, when the client does not read", async () => {
    const size = 3_000_000;
    const { scene, far } = await exchange(
      `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`,
    );
    let sent = false;
    const sending = send(far, new Uint8Array(size)).then(() => sent = true);
    await settle();
    assert.ok(!sent);
    const reader = scene.client.readable.getReader();
    for (let have = 0; have < size;) {
      have += (await reader.read()).value!.length;
    }
    reader.releaseLock();
    await sending;
    await scene.end(far);
  });
});

describe("a change of protocols", () => {
  const ASK = "GET http://10.0.0.3/ws HTTP/1.1\r\nConnection: Upgrade\r\n" +
    "Upgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n";
  const ASKED = "GET /ws HTTP/1.1\r\nHost: 10.0.0.3\r\n" +
    "Sec-WebSocket-Key: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\n" +
    "Sec-WebSocket-Accept: a\r\nConnection: Upgrade\r\n" +
    "Upgrade: websocket\r\n\r\n";

  for (const split of [1, Infinity]) {
    test(`becomes a relay, reads of ${split} bytes`, async () => {
      const scene = await Scene.start({}, new World({ split }));
      await scene.ask(ASK + "early");
      const far = await accepted(scene.target);
      await expect(far, ASKED);
      await answer(
        far,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
          "Connection: Upgrade\r\nSec-WebSocket-Accept: a\r\n\r\n\x81\x02hi",
      );
      await scene.sees(SWITCHED + "\x81\x02hi");
      await expect(far, "early");
      await scene.ask("GET / HTTP/1.1\r\n\r\n\x00");
      await expect(far, "GET / HTTP/1.1\r\n\r\n\x00");
      // Each side ends by itself.
      await scene.client.closeWrite();
      assert.equal((await readAll(far.readable)).length, 0);
      await answer(far, "bye");
      await scene.sees("bye");
      await far.closeWrite();
      assert.equal(await scene.rest(), "");
      await scene.end(far);
    });
  }

  test("that the target does not want is an ordinary answer", async () => {
    const scene = await Scene.start();
    await scene.ask(ASK);
    const far = await accepted(scene.target);
    await expect(far, ASKED);
    await answer(far, ok("no"));
    await scene.sees(ok("no"));
    await scene.ask(get("2"));
    await expect(far, got("2"));
    await scene.end(far);
  });

  test("that breaks ends both ends", async () => {
    const scene = await Scene.start({ idleTimeoutMs: 1_000 });
    await scene.ask(ASK);
    const far = await accepted(scene.target);
    await expect(far, ASKED);
    await answer(
      far,
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Accept: a\r\n\r\n",
    );
    await scene.sees(SWITCHED);
    await scene.world.clock.advance(1_000);
    await assert.rejects(scene.rest(), RESET);
    await scene.end(far);
  });
});

describe("the connection to a target", () => {
  test("that ended while idle is replaced", async () => {
    const scene = await Scene.start();
    await scene.ask(get("1"));
    const far = await accepted(scene.target);
    await expect(far, got("1"));
    await answer(far, ok("1"));
    await scene.sees(ok("1"));
    await far.closeWrite();
    await settle();
    await scene.ask("POST http://10.0.0.3/ HTTP/1.1\r\n\r\n");
    const next = await accepted(scene.target);
    await expect(next, "POST / HTTP/1.1\r\nHost: 10.0.0.3\r\n\r\n");
    await scene.end(far, next);
  });

  test("that ends at a request's arrival is replaced once, for GET", async () => {
    const scene = await Scene.start();
    await scene.ask(get("1"));
    const far = await accepted(scene.target);
    await expect(far, got("1"));
    await answer(far, ok("1"));
    await scene.sees(ok("1"));
    await scene.ask(get("2"));
    await expect(far, got("2"));
    far.close();
    const next = await accepted(scene.target);
    await expect(next, got("2"));
    next.close();
    assert.match(await scene.rest(), /^HTTP\/1\.1 502 /);
    await scene.end();
  });

  test("that ends at a POST's arrival is not: 502", async () => {
    const scene = await Scene.start();
    await scene.ask(get("1"));
    const far = await accepted(scene.target);
    await expect(far, got("1"));
    await answer(far, ok("1"));
    await scene.sees(ok("1"));
    const post = "POST / HTTP/1.1\r\nHost: 10.0.0.3\r\n\r\n";
    await scene.ask("POST http://10.0.0.3/ HTTP/1.1\r\n\r\n");
    await expect(far, post);
    far.close();
    assert.match(await scene.rest(), /^HTTP\/1\.1 502 Bad Gateway\r\n/);
    await scene.end();
  });
});

describe("errors", () => {
  test("400, 431 and 505 for what cannot be understood, then the end", async () => {
    const long = "a".repeat(20_000);
    const cases = [
      ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"],
      ["GET https://a/ HTTP/1.1\r\n\r\n", "400"],
      ["GET http://a/ HTTP/1.1\n", "400"],
      ["GET http://a/ HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "400"],
      ["GET http://a/ HTTP/1.1\r\nA : b\r\n\r\n", "400"],
      ["CONNECT a HTTP/1.1\r\n\r\n", "400"],
      [
        "POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\n" +
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get("smuggled"),
        "400",
      ],
      [
        "POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\n" +
        "Content-Length: 2\r\n\r\nxx",
        "400",
      ],
      [`GET http://a/${long} HTTP/1.1\r\n\r\n`, "431"],
      [`GET http://a/ HTTP/1.1\r\n${"A: b\r\n".repeat(129)}\r\n`, "431"],
      ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"],
    ] as const;
    const scene = await Scene.start();
    for (const [text, status] of cases) {
      const client = await scene.world.network.dial(LOCAL);
      await answer(client, text);
      await client.closeWrite();
      const seen = fromLatin1(await readAll(client.readable));
      assert.ok(seen.startsWith(`HTTP/1.1 ${status} `), `${text}\n${seen}`);
      assert.match(seen, /\r\nConnection: close\r\n/);
      client.close();
    }
    assert.deepEqual(
      scene.world.network.dialled.filter((to) => to.startsWith("10.")),
      [],
    );
    await scene.end();
  });

  test("502, 504 and 403 for the error of the dial; the client may go on", async () => {
    const failures = new Map<string, TransportErrorCode | "hang">();
    const scene = await Scene.start(
      { connectTimeoutMs: 1_000 },
      new World({ dialFailures: failures }),
    );
    const body = "Content-Length: 3\r\n\r\nabc";
    for (
      const [code, status, why] of [
        [
          "ERR_NET_REFUSED",
          "502 Bad Gateway",
          "server or target did not answer; the log has the reason.",
        ],
        [
          "hang",
          "504 Gateway Timeout",
          "server or target did not answer in time.",
        ],
        [
          "ERR_NET_PERMISSION",
          "403 Forbidden",
          "the connection is not allowed; the log has the reason.",
        ],
      ] as const
    ) {
      failures.set("10.0.0.2:8388", code);
      const page = `${status}\nss-local: ${why}\n`;
      await scene.ask("POST http://10.0.0.3/ HTTP/1.1\r\n" + body);
      await scene.world.clock.advance(1_000);
      await scene.sees(
        `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\n` +
          `Content-Length: ${page.length}\r\n\r\n${page}`,
      );
    }
    failures.clear();
    await scene.ask(get(""));
    const far = await accepted(scene.target);
    await expect(far, got(""));
    await scene.end(far);
  });

  test("502, when the target cannot be reached or makes no sense", async () => {
    const scene = await Scene.start();
    const none = await scene.world.network.dial(LOCAL);
    await answer(none, "GET http://10.0.0.9/ HTTP/1.1\r\n\r\n");
    const seen = fromLatin1(await readAll(none.readable));
    assert.match(seen, /^HTTP\/1\.1 502 Bad Gateway\r\n/);
    none.close();
    const [line] = scene.world.logged("code", "ERR_HTTP_TRUNCATED");
    assert.match(String(line?.fields["reason"]), /wrong password or method/);
    for (
      const nonsense of [
        "220 mail.example\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n" +
        "Content-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\n",
        // A bad chunk in the segment of the head: nothing was answered yet.
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nhi\r\n",
      ]
    ) {
      const client = await scene.world.network.dial(LOCAL);
      await answer(client, get(""));
      const far = await accepted(scene.target);
      await expect(far, got(""));
      await answer(far, nonsense);
      await far.closeWrite();
      const text = fromLatin1(await readAll(client.readable));
      assert.match(text, /^HTTP\/1\.1 502 Bad Gateway\r\n/, nonsense);
      assert.match(text, /target's response is invalid/);
      client.close();
      far.close();
    }
    await scene.end();
  });

  test("504, when the target says nothing for the idle time", async () => {
    const scene = await Scene.start({ idleTimeoutMs: 1_000 });
    await scene.ask(get(""));
    const far = await accepted(scene.target);
    await expect(far, got(""));
    const ending = scene.rest();
    await scene.world.clock.advance(1_000);
    assert.match(await ending, /^HTTP\/1\.1 504 Gateway Timeout\r\n/);
    await scene.end(far);
  });

  test("an upload without an answer is not idle", async () => {
    const scene = await Scene.start({ idleTimeoutMs: 1_000 });
    await scene.ask(
      "PUT http://10.0.0.3/ HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
    );
    const far = await accepted(scene.target);
    await expect(
      far,
      "PUT / HTTP/1.1\r\nHost: 10.0.0.3\r\nContent-Length: 9\r\n\r\n",
    );
    for (let i = 0; i < 9; i++) {
      await scene.world.clock.advance(900);
      await scene.ask("x");
      await expect(far, "x");
    }
    await answer(far, ok(""));
    await scene.sees(ok(""));
    await scene.end(far);
  });

  test("a head that does not come, or not to its end, has a deadline", async () => {
    const scene = await Scene.start({
      handshakeTimeoutMs: 500,
      idleTimeoutMs: 5_000,
    });
    await scene.ask("GET http://10.0.0.3/");
    await scene.world.clock.advance(499);
    assert.equal(scene.world.logged("code", "ERR_NET_TIMEOUT").length, 0);
    await scene.world.clock.advance(1);
    assert.equal(scene.world.logged("code", "ERR_NET_TIMEOUT").length, 1);
    assert.equal(await scene.rest(), "");
    await scene.world.clock.advance(2_000);
    await scene.end();
  });

  test("an answer that the client does not take has a deadline", async () => {
    const scene = await Scene.start(
      { users: USERS, handshakeTimeoutMs: 500 },
      new World({ capacity: 1_024 }),
    );
    await scene.ask(get("").repeat(15));
    await scene.world.clock.advance(499);
    assert.equal(scene.world.logged("code", "ERR_NET_TIMEOUT").length, 0);
    await scene.world.clock.advance(1);
    assert.equal(scene.world.logged("code", "ERR_NET_TIMEOUT").length, 1);
    await scene.world.clock.advance(2_000);
    await scene.end();
  });

  test("a connection kept for another request has the idle time", async () => {
    const scene = await Scene.start({
      handshakeTimeoutMs: 500,
      idleTimeoutMs: 5_000,
    });
    await scene.ask(get(""));
    const far = await accepted(scene.target);
    await expect(far, got(""));
    await answer(far, ok("x"));
    await scene.sees(ok("x"));
    await scene.world.clock.advance(4_999);
    await scene.ask(get("2"));
    await expect(far, got("2"));
    await answer(far, ok("y"));
    await scene.sees(ok("y"));
    await scene.world.clock.advance(5_000);
    assert.equal(await scene.rest(), "");
    await scene.world.clock.advance(2_000);
    await scene.end(far);
  });
});

describe("a password", () => {
  const CHALLENGE = "HTTP/1.1 407 Proxy Authentication Required\r\n" +
    "Content-Type: text/plain\r\nContent-Length: 34\r\n" +
    'Proxy-Authenticate: Basic realm="proxy", charset="UTF-8"\r\n\r\n' +
    "407 Proxy Authentication Required\n";

  test("is demanded of each request, on a connection that stays", async () => {
    const scene = await Scene.start({ users: USERS });
    const wrong = `Proxy-Authorization: Basic ${btoa("ann:wrong")}\r\n`;
    const post = "POST http://10.0.0.3/ HTTP/1.1\r\n";
    for (
      const request of [
        get(""),
        get("", wrong),
        post + "Content-Length: 20\r\n\r\n" +
        "GET http://10.0.0.3/".slice(0, 20),
        "CONNECT 10.0.0.3:80 HTTP/1.1\r\n\r\n",
        "CONNECT 10.0.0.3:80 HTTP/1.1\r\n" + wrong + "\r\n",
      ]
    ) {
      await scene.ask(request);
      await scene.sees(CHALLENGE);
    }
    assert.deepEqual(scene.world.network.dialled, ["127.0.0.1:1080"]);
    await scene.ask(get("1", PASS));
    const far = await accepted(scene.target);
    await expect(far, got("1"));
    await answer(far, ok("1"));
    await scene.sees(ok("1"));
    await scene.ask(get("2"));
    await scene.sees(CHALLENGE);
    await scene.ask("CONNECT 10.0.0.3:80 HTTP/1.1\r\n" + PASS + "\r\n");
    await scene.sees("HTTP/1.1 200 Connection established\r\n\r\n");
    const { length } = scene.world.logged("code", "ERR_HTTP_AUTHENTICATION");
    assert.equal(length, 2);
    assert.ok(!JSON.stringify(scene.world.lines).includes("secret"));
    await scene.end(far);
  });

  test("costs the connection, where the end of a body is not sure", async () => {
    const scene = await Scene.start({ users: USERS });
    const post = "POST http://10.0.0.3/ HTTP/1.1\r\n";
    for (
      const request of [
        post + "Content-Length: 65537\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        post + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        "CONNECT 10.0.0.3:80 HTTP/1.1\r\n\r\nGET http://10.0.0.3/",
        get("", "Connection: close\r\n"),
      ]
    ) {
      const client = await scene.world.network.dial(LOCAL);
      await answer(client, request);
      await client.closeWrite();
      const seen = fromLatin1(await readAll(client.readable));
      assert.match(seen, /^HTTP\/1\.1 407 /);
      assert.match(seen, /\r\nConnection: close\r\n/);
      assert.equal(seen.match(/HTTP\/1\.1/g)?.length, 1);
      client.close();
    }
    await scene.end();
  });
});
