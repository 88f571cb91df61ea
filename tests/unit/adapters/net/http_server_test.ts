/**
 * The HTTP server on real sockets: what it hands on, what it bounds, and how it
 * stops. Requests are written by hand, or by `node:http` on a unix socket.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { X509Certificate } from "node:crypto";
import { get } from "node:http";
import { get as getSecurely } from "node:https";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { TLSSocket } from "node:tls";
import {
  type HttpAddress,
  type HttpCertificate,
  type HttpHandler,
  type HttpOptions,
  type HttpServer,
  serveHttp,
} from "../../../../src/adapters/net/http_server.ts";
import { TransportError } from "../../../../src/errors.ts";
import { MAX_ADMIN_BODY_LENGTH } from "../../../../src/limits.ts";
import type { LogFields } from "../../../../src/observe.ts";
import { makeCertificate } from "../../../support/certificate.ts";
import { pause, until, within } from "../../../support/within.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };
const folder = mkdtempSync(join(tmpdir(), "umbra-http-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Tells in its answer what it was asked. */
const mirror: HttpHandler = async (request, peer) => {
  const { pathname, search } = new URL(request.url);
  const body = await request.text();
  const { method, headers } = request;
  const told = { method, path: pathname + search, body, peer: peer?.host };
  return new Response(JSON.stringify({ ...told, host: headers.get("host") }), {
    status: body === "" ? 200 : 201,
    headers: { "x-answer": "yes" },
  });
};

test("serveHttp() hands on method, path, headers and body", async () => {
  await using server = await start();
  const reply = await server.ask(
    "POST /a%2Fb/../c?d=e HTTP/1.1\r\nHost: some:1\r\nContent-Length: 2\r\n\r\nhi",
  );
  assert.match(reply, /^HTTP\/1\.1 201 /);
  assert.match(reply, /x-answer: yes/i);
  assert.deepEqual(JSON.parse(bodyOf(reply)), {
    method: "POST",
    path: "/c?d=e",
    body: "hi",
    peer: "127.0.0.1",
    host: "some:1",
  });
});

test("serveHttp() sends no body, when the method is HEAD", async () => {
  await using server = await start();
  const reply = await server.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.match(reply, /content-length: [1-9]/i);
  assert.equal(bodyOf(reply), "");
});

for (
  const [what, request, status] of [
    ["two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
    [
      "a target that is no path",
      "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
      400,
    ],
    ["an unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501],
    ["a method not to be had", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501],
    [
      "a body too long, announced",
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${
        MAX_ADMIN_BODY_LENGTH + 1
      }\r\n\r\n`,
      413,
    ],
    [
      "a body too long, in chunks",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
      `10001\r\n${"x".repeat(MAX_ADMIN_BODY_LENGTH + 1)}\r\n`,
      413,
    ],
  ] as const
) {
  test(`serveHttp() answers ${status} by itself, when there is ${what}`, async () => {
    let asked = 0;
    await using server = await start((request, peer) => {
      asked++;
      return mirror(request, peer);
    });
    const reply = await server.ask(request);
    // Node's parser does not even answer to a method that it does not know.
    if (!request.startsWith("BREW")) {
      assert.match(reply, new RegExp(`^HTTP/1\\.1 ${status} `));
    }
    assert.equal(asked, 0);
  });
}

test("serveHttp() takes a body of just the bound", async () => {
  await using server = await start();
  const body = "x".repeat(MAX_ADMIN_BODY_LENGTH);
  const reply = await server.ask(
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  assert.equal(JSON.parse(bodyOf(reply)).body.length, body.length);
});

test("serveHttp() closes a connection, when its request does not come", async () => {
  await using server = await start(mirror, {
    headTimeoutMs: 200,
    requestTimeoutMs: 400,
  });
  for (
    const part of [
      "",
      "GET / HTTP/1.1\r\nHost: a\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab",
    ]
  ) {
    const reply = await within(5_000, `the end of ${part}`, server.ask(part));
    assert.doesNotMatch(reply, /^HTTP\/1\.1 2/);
  }
});

for (
  const [what, beginning] of [
    ["head", "GET / HTTP/1.1\r\nHost: a\r\nX: "],
    ["body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"],
  ] as const
) {
  test(`serveHttp() closes a connection, when its ${what} comes byte by byte`, async () => {
    await using server = await start(mirror, {
      headTimeoutMs: 200,
      requestTimeoutMs: what === "head" ? 60_000 : 400,
    });
    const { socket, closed } = server.open();
    socket.write(beginning);
    const drip = setInterval(() => socket.write("x"), 50);
    await within(5_000, "the end", closed).finally(() => clearInterval(drip));
  });
}

test("serveHttp() closes a connection, when the client does not read the answer", async () => {
  const length = 40_000_000;
  await using server = await start(
    () => Promise.resolve(new Response(new Uint8Array(length))),
    { headTimeoutMs: 200, requestTimeoutMs: 300 },
  );
  const { socket, closed, received } = server.open();
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  socket.pause();
  await pause(1_500);
  socket.resume();
  await within(10_000, "the end", closed);
  assert.ok(received().length < length, "no buffer holds so much");
});

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

for (
  const [what, beginning] of [
    ["a head", "GET / HTTP/1.1\r\nHost: a\r\nX: "],
    ["a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"],
    ["the next request", GET],
  ] as const
) {
  test(`serveHttp() closes what has waited longest for ${what}, when there is no room`, async () => {
    await using server = await start(mirror, { maxConnections: 2 });
    const [first, second] = [server.open(), server.open()];
    for (const { connected, socket } of [first, second]) {
      await connected;
      socket.write(beginning);
      await pause(50);
    }
    assert.match(await server.ask(GET), /^HTTP\/1\.1 200 /);
    await within(2_000, "the oldest one's end", first.closed);
    assert.ok(!second.socket.destroyed, "a younger one was closed as well");
    second.socket.destroy();
  });
}

test("serveHttp() closes a client that does not read, when there is no room", async () => {
  const length = 40_000_000;
  await using server = await start(
    (request) =>
      Promise.resolve(
        new Response(
          request.method === "GET" ? new Uint8Array(length) : "short",
        ),
      ),
    { maxConnections: 1 },
  );
  const { socket, connected, closed, received } = server.open();
  await connected;
  socket.write(GET);
  socket.pause();
  await pause(300);
  const reply = await server.ask("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal(bodyOf(reply), "short");
  socket.resume();
  await within(10_000, "the end", closed);
  assert.ok(received().length < length);
});

test("serveHttp() closes a new connection, when all requests are being handled", async () => {
  const finish = Promise.withResolvers<void>();
  let asked = 0;
  await using server = await start(async () => {
    asked++;
    await finish.promise;
    return new Response("done");
  }, { maxConnections: 2 });
  const replies = [server.ask(GET), server.ask(GET)];
  await until(5_000, "both requests", () => asked === 2);
  assert.equal(await within(5_000, "the third's end", server.ask(GET)), "");
  finish.resolve();
  assert.deepEqual((await Promise.all(replies)).map(bodyOf), ["done", "done"]);
  assert.equal(bodyOf(await server.ask(GET)), "done", "there is room again");
});

test("serveHttp() answers each of many requests, one after the other, however late it hears of their ends", async () => {
  await using server = await start(mirror, { maxConnections: 1 });
  for (let i = 0; i < 300; i++) {
    const { socket, closed, received } = server.open();
    socket.write(GET);
    const answered = new Promise((resolve) => socket.once("data", resolve));
    await Promise.race([answered, closed]);
    // Its end and the next connection reach the server together.
    socket.destroy();
    assert.match(received(), /^HTTP\/1\.1 200 /, `request ${i}`);
  }
});

test("serveHttp() answers 500 and says so, when the handler fails", async () => {
  const logged: LogFields[] = [];
  await using server = await start(
    () => Promise.reject(new TypeError("a defect")),
    {
      logger: {
        enabled: () => true,
        log: (_level, _message, fields = {}) => logged.push(fields),
      },
    },
  );
  const reply = await server.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.match(reply, /^HTTP\/1\.1 500 /);
  assert.match(String(logged[0]!["reason"]), /a defect/);
});

test("stop() lets an answer finish and closes what is idle", async () => {
  const asked = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const server = await start(async (request) => {
    if (request.url.endsWith("/at-once")) return new Response();
    asked.resolve();
    await finish.promise;
    return new Response("late");
  });
  const idle = server.open();
  idle.socket.write("GET /at-once HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(5_000, "an answer", () => idle.received() !== "");
  const reply = server.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await asked.promise;
  const stopped = server.stop(5_000);
  finish.resolve();
  await within(4_000, "the end", stopped);
  assert.equal(bodyOf(await reply), "late");
  await within(1_000, "the idle connection's end", idle.closed);
});

test("stop() closes everything, when the grace is over", async () => {
  const asked = Promise.withResolvers<void>();
  const server = await start(() => {
    asked.resolve();
    return new Promise(() => {});
  });
  const reply = server.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await asked.promise;
  await within(4_000, "the end", server.stop(50));
  assert.equal(await reply, "");
});

test("serveHttp() rejects, when the port is taken", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  await assert.rejects(
    start(mirror, {}, { host: "127.0.0.1", port }),
    (error) =>
      error instanceof TransportError &&
      error.code === "ERR_NET_ADDRESS_IN_USE",
  );
  taken.close();
});

test("serveHttp() opens a unix socket to this user alone, and removes it", async () => {
  const path = join(folder, "mine.sock");
  const server = await start(mirror, {}, { path });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(JSON.parse(await getUnix(path)).peer, undefined);
  await assert.rejects(
    start(mirror, {}, { path }),
    (error) =>
      error instanceof TransportError &&
      error.code === "ERR_NET_ADDRESS_IN_USE",
    "a second one took the place of the first",
  );
  assert.ok((await getUnix(path)).length > 0, "the first one is gone");
  await server.stop(0);
  assert.ok(!existsSync(path));
});

test("serveHttp() refuses a path, when it is no socket", async () => {
  const path = join(folder, "file.txt");
  writeFileSync(path, "precious");
  await assert.rejects(start(mirror, {}, { path }), TransportError);
  assert.equal(statSync(path).size, 8);
});

test("serveHttp() says so, when there is no folder for its path", async () => {
  const file = join(folder, "no_folder");
  writeFileSync(file, "");
  for (const path of [join(folder, "none", "x"), join(file, "x")]) {
    await assert.rejects(start(mirror, {}, { path }), {
      code: "ERR_NET_OTHER",
      message:
        `Cannot listen on ${path}: the folder does not exist; create it first`,
    });
  }
});

/** Asks inside TLS, and tells the answer and the certificate. */
function askSecurely(
  { address }: HttpServer,
  path = "/",
): Promise<{ status: number | undefined; fingerprint: string }> {
  const { port } = address as { port: number };
  const { promise, resolve, reject } = Promise.withResolvers<
    { status: number | undefined; fingerprint: string }
  >();
  const options = { host: "127.0.0.1", port, path, agent: false };
  getSecurely({ ...options, rejectUnauthorized: false }, (answer) => {
    const { fingerprint256 } = (answer.socket as TLSSocket)
      .getPeerCertificate();
    answer.resume();
    const { statusCode: status } = answer;
    answer.once("end", () => resolve({ status, fingerprint: fingerprint256 }));
  }).once("error", reject);
  return promise;
}

function newCertificate(name: string): HttpCertificate & { print: string } {
  const place = join(folder, name);
  mkdirSync(place);
  const { cert, key } = makeCertificate(place);
  return { cert, key, print: new X509Certificate(cert).fingerprint256 };
}

test("serveHttp() answers inside TLS, and has another certificate at once", async () => {
  const [one, two] = [newCertificate("one"), newCertificate("two")];
  const slow = Promise.withResolvers<void>();
  await using server = await start(async (request) => {
    if (request.url.endsWith("/slow")) await slow.promise;
    return new Response("");
  }, { certificate: one });
  const before = await askSecurely(server);
  assert.deepEqual(before, { status: 200, fingerprint: one.print });
  const underWay = askSecurely(server, "/slow");
  await pause(50);
  await server.renew(two);
  const after = await askSecurely(server);
  assert.deepEqual(after, { status: 200, fingerprint: two.print });
  slow.resolve();
  const late = await underWay;
  assert.deepEqual(late, { status: 200, fingerprint: one.print });
});

test("stop() ends what an old certificate was answering", async () => {
  const certificate = newCertificate("ending");
  const begun = Promise.withResolvers<void>();
  await using server = await start(async () => {
    begun.resolve();
    await new Promise(() => {});
    return new Response("");
  }, { certificate });
  const asked = askSecurely(server);
  asked.catch(() => {});
  await begun.promise;
  await server.renew(newCertificate("ended"));
  await within(5_000, () => "it hangs", server.stop(20));
  await assert.rejects(asked);
});

test("serveHttp() closes a connection, when no TLS comes", async () => {
  const certificate = newCertificate("silent");
  await using server = await start(mirror, {
    certificate,
    headTimeoutMs: 300,
    maxConnections: 2,
  });
  const plain = server.open();
  plain.socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await within(12_000, () => "it stays open", plain.closed);
  assert.doesNotMatch(plain.received(), /200/);
  const stalled = [server.open(), server.open(), server.open()];
  await Promise.all(stalled.map(({ connected }) => connected));
  // They take no room from those that speak.
  assert.equal((await askSecurely(server)).status, 200);
  for (const { socket } of stalled) socket.destroy();
});

interface Started extends HttpServer, AsyncDisposable {
  /** All that comes back until the connection ends, or an answer is complete. */
  ask(request: string): Promise<string>;
  open(): ReturnType<typeof openTo>;
}

async function start(
  handler: HttpHandler = mirror,
  options: Partial<HttpOptions> = {},
  address: HttpAddress = LOOPBACK,
): Promise<Started> {
  const server = await serveHttp(address, handler, {
    logger: {
      enabled: () => true,
      log: (_level, message, fields) => {
        throw new Error(`${message}: ${JSON.stringify(fields)}`);
      },
    },
    ...options,
  });
  const port = "port" in server.address ? server.address.port : 0;
  return {
    address: server.address,
    renew: (certificate) => server.renew(certificate),
    stop: (graceMs) => server.stop(graceMs),
    [Symbol.asyncDispose]: () => server.stop(0),
    open: () => openTo(port),
    ask: async (request) => {
      const { socket, closed, received } = openTo(port);
      socket.write(request);
      const timer = setInterval(() => {
        if (isComplete(received(), request)) socket.destroy();
      }, 5);
      await closed;
      clearInterval(timer);
      return received();
    },
  };
}

function openTo(port: number): {
  socket: ReturnType<typeof connect>;
  connected: Promise<void>;
  closed: Promise<void>;
  received: () => string;
} {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (part: string) => text += part);
  // A reset is an end here.
  socket.on("error", () => {});
  return {
    socket,
    connected: new Promise((resolve) => socket.once("connect", resolve)),
    closed: new Promise((resolve) => socket.once("close", () => resolve())),
    received: () => text,
  };
}

function isComplete(reply: string, request: string): boolean {
  if (request.startsWith("HEAD")) return reply.includes("\r\n\r\n");
  const length = /content-length: (\d+)/i.exec(reply)?.[1];
  return reply.includes("\r\n\r\n") && length !== undefined &&
    bodyOf(reply).length >= Number(length);
}

function bodyOf(reply: string): string {
  return reply.slice(reply.indexOf("\r\n\r\n") + 4);
}

function getUnix(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) =>
    get({ socketPath, path: "/" }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => text += part);
      response.on("end", () => resolve(text));
    }).on("error", reject)
  );
}
