/**
 * Every parser of what applications and targets send, fed with mutations of
 * good messages: it yields a value, wants more, or throws a `ProtocolError`,
 * and does so in bounded time.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromLatin1, toLatin1 } from "../../src/bytes.ts";
import { encodeBody, HttpBodyDecoder } from "../../src/codec/http_body.ts";
import {
  HttpHeadReader,
  parseRequestHead,
  parseResponseHead,
} from "../../src/codec/http_head.ts";
import { decodeSocks4Request } from "../../src/codec/socks4.ts";
import { ProtocolError } from "../../src/errors.ts";
import { readProxyRequest } from "../../src/session/http/request.ts";
import { readProxyResponse } from "../../src/session/http/response.ts";
import { Socks5ServerSession } from "../../src/session/socks5/server_session.ts";
import { hex, utf8 } from "../support/bytes.ts";
import { FUZZ_BUDGET_MS, MUTATIONS, mutations } from "../support/mutate.ts";

/** What a parser made of its input. */
type Outcome = "value" | "more" | "error";

interface Subject {
  readonly name: string;
  readonly samples: readonly Uint8Array[];
  readonly spice: Uint8Array;
  /** Runs the parser; `undefined` when it wants more. */
  readonly parse: (bytes: Uint8Array) => unknown;
}

const HTTP_SPICE = toLatin1("\r\n :;,\t\0\x7f\xff/@[]0159afGET-");

const GET = parsedRequest(
  toLatin1("GET http://a/ HTTP/1.1\r\n\r\n"),
);

const SUBJECTS: readonly Subject[] = [
  {
    name: "SOCKS4 requests",
    samples: [
      hex("040100500a0000036672656400"),
      hex("0401005000000001006578616d706c652e636f6d00"),
    ],
    spice: hex("0001040520ff"),
    parse: decodeSocks4Request,
  },
  {
    name: "SOCKS5 handshakes",
    samples: [
      hex("0501000501000161626364005061"),
      hex("050100050100030361626300500102"),
      hex("05020002050300040000000000000000000000000000000100500102"),
    ],
    spice: hex("000102030405ff20"),
    parse: runSocks5,
  },
  {
    name: "requests to an HTTP proxy",
    samples: [
      "GET http://example.com:81/a?b HTTP/1.1\r\nHost: example.com\r\n" +
      "Connection: keep-alive, X\r\nX: y\r\nProxy-Authorization: Basic YTpi" +
      "\r\n\r\n",
      "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]\r\n\r\n",
      "POST http://a/ HTTP/1.0\r\nContent-Length: 12\r\n\r\n",
      "PUT http://a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ].map(toLatin1),
    spice: HTTP_SPICE,
    parse: parsedRequest,
  },
  {
    name: "responses of an HTTP target",
    samples: [
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
      "HTTP/1.0 304 Not Modified\r\nKeep-Alive: timeout=5\r\n\r\n",
      "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nTrailer: a\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\n",
      "HTTP/1.1 200 OK\nA : b\n c\nTransfer-Encoding: gzip, chunked\n\n",
    ].map(toLatin1),
    spice: HTTP_SPICE,
    parse: (bytes) => {
      const lines = readLines(bytes, "response");
      if (lines === undefined) return undefined;
      const { head, interim } = readProxyResponse(
        parseResponseHead(lines),
        GET as never,
        true,
      );
      // What is passed on is clean, and says the same when it is read again.
      const strict = readLines(head);
      assert.ok(strict, fromLatin1(head));
      const again = parseResponseHead(strict);
      assert.ok(!again.repaired, fromLatin1(head));
      const twice = readProxyResponse(again, GET as never, true);
      assert.deepEqual([twice.interim, twice.head], [interim, head]);
      return head;
    },
  },
  {
    name: "chunked bodies",
    samples: [
      "5\r\nhello\r\n0\r\n\r\n",
      "1a;name=value\r\nabcdefghijklmnopqrstuvwxyz\r\n000\r\nA: b\r\n\r\n",
    ].map(utf8),
    spice: HTTP_SPICE,
    parse: (bytes) => {
      const body = new HttpBodyDecoder({ kind: "chunked" });
      const { payload, rest } = body.decode(bytes);
      assert.ok(payload.length + rest.length <= bytes.length);
      return body.done ? payload : undefined;
    },
  },
];

for (const kind of ["request", "response"] as const) {
  test(`chunks of a ${kind} that are read are written, and read back equal`, () => {
    const samples = [
      "5\r\nhello\r\n0\r\n\r\n",
      "2  \nhe\n3;x\r\nllo\r\n0\n\n",
      "1\r\na\r\n01\r\nb\r\n0\r\nT: u\r\n\r\n",
    ].map(utf8);
    const chunked = { kind: "chunked" } as const;
    let read = 0;
    const all = mutations(samples, HTTP_SPICE, { count: MUTATIONS, seed: 77 });
    for (const bytes of all) {
      const body = new HttpBodyDecoder(chunked, kind);
      let payload: Uint8Array;
      try {
        ({ payload } = body.decode(bytes));
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
        continue;
      }
      if (!body.done) continue;
      read++;
      const again = new HttpBodyDecoder(chunked);
      const written = again.decode(encodeBody(chunked, payload, true));
      assert.ok(again.done && written.rest.length === 0);
      assert.deepEqual(written.payload, payload);
    }
    assert.ok(read > MUTATIONS / 200, `${read}`);
  });
}

for (const [seed, { name, samples, spice, parse }] of SUBJECTS.entries()) {
  test(`the parser of ${name} outlives ${MUTATIONS} mutations`, () => {
    const seen: Record<Outcome, number> = { value: 0, more: 0, error: 0 };
    const startMs = performance.now();
    for (const bytes of mutations(samples, spice, { count: MUTATIONS, seed })) {
      seen[outcome(parse, bytes)]++;
    }
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs < FUZZ_BUDGET_MS, `took ${tookMs} ms`);
    // Each outcome must be met often, or the mutations are no good.
    for (const count of Object.values(seen)) {
      assert.ok(count > MUTATIONS / 200, JSON.stringify(seen));
    }
  });
}

function outcome(
  parse: (bytes: Uint8Array) => unknown,
  bytes: Uint8Array,
): Outcome {
  try {
    return parse(bytes) === undefined ? "more" : "value";
  } catch (error) {
    if (error instanceof ProtocolError) return "error";
    throw new Error(`Broke on ${bytes.toHex()}`, { cause: error });
  }
}

function readLines(
  bytes: Uint8Array,
  kind: "request" | "response" = "request",
): string[] | undefined {
  const reader = new HttpHeadReader(kind);
  reader.push(bytes);
  return reader.next();
}

function parsedRequest(bytes: Uint8Array): unknown {
  const lines = readLines(bytes);
  return lines && readProxyRequest(parseRequestHead(lines));
}

function runSocks5(bytes: Uint8Array): unknown {
  const session = new Socks5ServerSession();
  session.push(bytes);
  for (;;) {
    const step = session.next();
    if (step === undefined || step.kind === "request") return step;
    if (step.kind === "refuse") throw step.error;
  }
}
