import assert from "node:assert/strict";
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  fetchDocument,
  fetchIfChanged,
} from "../../../../src/adapters/net/fetch_document.ts";
import { ConfigError, TransportError } from "../../../../src/errors.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const answers: Record<string, Answer> = {
  "/text": (request, response) => {
    response.setHeader("x-seen", `${request.headers["user-agent"]}`);
    response.end("grüße");
  },
  "/latin1": (_, response) => response.end(Uint8Array.of(0x70, 0xe9)),
  "/gone": (_, response) => response.writeHead(404).end("secret"),
  "/unchanged": (_, response) => response.writeHead(304).end(),
  "/tagged": (request, response) => {
    const isKnown = request.headers["if-none-match"] === '"1"';
    response.writeHead(isKnown ? 304 : 200, { etag: '"1"' })
      .end(isKnown ? undefined : Uint8Array.of(0, 255));
  },
  "/redirect": (_, response) =>
    response.writeHead(302, { location: "/text" }).end(),
  "/large": (_, response) => response.end("x".repeat(101)),
  "/bomb": (_, response) => {
    response.setHeader("content-encoding", "gzip");
    response.end(gzipSync("x".repeat(1_000_000)));
  },
  "/stall": (_, response) => {
    response.write("half of");
  },
};

const server = createServer((request, response) =>
  answers[request.url!]!(request, response)
);
server.listen(0, "127.0.0.1");
await once(server, "listening");
after(() => {
  server.closeAllConnections();
  server.close();
});
const { port } = server.address() as AddressInfo;

function at(path: string): URL {
  return new URL(`http://127.0.0.1:${port}${path}`);
}

test("fetchDocument() returns the text", async () => {
  assert.equal(await fetchDocument(at("/text"), { maxBytes: 7 }), "grüße");
});

test("fetchIfChanged() gives bytes and their tag, and nothing for that tag", async () => {
  const first = await fetchIfChanged(at("/tagged"), undefined);
  assert.deepEqual([...first.bytes!], [0, 255]);
  assert.equal(first.tag, '"1"');
  const { bytes } = await fetchIfChanged(at("/tagged"), first.tag);
  assert.equal(bytes, undefined);
});

test("fetchDocument() refuses what is not there, or leads away from https", async () => {
  const cases = [
    ["/gone", /answers 404/],
    ["/unchanged", /answers 304/],
    ["/redirect", /redirects to an address without https/],
  ] as const;
  for (const [path, why] of cases) {
    await assert.rejects(fetchDocument(at(path)), refused(why));
  }
});

test("fetchDocument() stops at its bound, also of what is compressed", async () => {
  const options = { maxBytes: 100 };
  for (const path of ["/large", "/bomb"]) {
    await assert.rejects(
      fetchDocument(at(path), options),
      refused(/larger than 100 bytes/),
    );
  }
});

test("fetchDocument() gives up after its time, in the middle of a document", async () => {
  await assert.rejects(
    fetchDocument(at("/stall"), { timeoutMs: 100 }),
    (error: unknown) =>
      error instanceof TransportError && error.code === "ERR_NET_TIMEOUT",
  );
});

test("fetchDocument() stops when its signal is aborted", async () => {
  const stop = new AbortController();
  const fetching = fetchDocument(at("/stall"), { signal: stop.signal });
  setTimeout(() => stop.abort(new Error("enough")), 50);
  await assert.rejects(fetching, /enough/);
});

test("fetchDocument() tells the host that fails, and not the path", async () => {
  // The discard port has no listener.
  const url = new URL("http://127.0.0.1:9/secret?token=secret");
  await assert.rejects(fetchDocument(url), (error: unknown) => {
    assert.ok(error instanceof TransportError);
    assert.match(error.message, /^Cannot fetch from 127\.0\.0\.1:9: /);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});

function refused(why: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.code, "ERR_ONLINE_CONFIG");
    assert.match(error.message, why);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  };
}

test("fetchDocument() refuses what is not UTF-8", async () => {
  await assert.rejects(
    fetchDocument(at("/latin1")),
    /the document is not UTF-8/,
  );
});
