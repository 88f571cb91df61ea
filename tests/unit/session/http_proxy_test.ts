import assert from "node:assert/strict";
import { test } from "node:test";
import { fromLatin1 } from "../../../src/bytes.ts";
import {
  parseRequestHead,
  parseResponseHead,
} from "../../../src/codec/http_head.ts";
import { type ErrorCode, ProtocolError } from "../../../src/errors.ts";
import {
  type HttpConnect,
  type HttpForward,
  readProxyRequest,
} from "../../../src/session/http/request.ts";
import {
  encodeAnswer,
  isRepeatable,
  readProxyResponse,
  requestErrorStatus,
  statusOf,
} from "../../../src/session/http/response.ts";

function request(...lines: string[]): HttpConnect | HttpForward {
  return readProxyRequest(parseRequestHead(lines));
}

function forward(...lines: string[]): HttpForward {
  const read = request(...lines);
  assert.ok(read.kind === "forward");
  return read;
}

const GET = forward("GET http://a/ HTTP/1.1");
const OLD_GET = forward("GET http://a/ HTTP/1.0", "Connection: keep-alive");

/** Lines of a head without the empty one. */
function linesOf(head: Uint8Array): string[] {
  const text = fromLatin1(head);
  assert.ok(text.endsWith("\r\n\r\n"));
  return text.slice(0, -4).split("\r\n");
}

test("readProxyRequest() rewrites the absolute form, and Host follows it", () => {
  const cases: [string, string, string, string, number][] = [
    ["GET http://a.b/c?d=e", "GET /c?d=e", "a.b", "a.b", 80],
    ["GET HTTP://A.b:81", "GET /", "A.b:81", "A.b", 81],
    ["GET http://a?x", "GET /?x", "a", "a", 80],
    ["GET http://a:/x", "GET /x", "a", "a", 80],
    ["OPTIONS http://a:8080", "OPTIONS *", "a:8080", "a", 8080],
    ["OPTIONS http://a/", "OPTIONS /", "a", "a", 80],
    ["GET http://[::1]:81/http://b/", "GET /http://b/", "[::1]:81", "::1", 81],
    ["GET http://a/\xe9", "GET /\xe9", "a", "a", 80],
  ];
  for (const [line, sent, authority, host, port] of cases) {
    const read = forward(`${line} HTTP/1.1`, "Host: other.example", "A: b");
    assert.deepEqual(read.address, { host, port });
    assert.deepEqual(linesOf(read.head), [
      `${sent} HTTP/1.1`,
      `Host: ${authority}`,
      "A: b",
    ]);
  }
});

test("readProxyRequest() refuses targets that no proxy can serve", () => {
  for (
    const target of [
      "/",
      "*",
      "a:80",
      "https://a/",
      "ftp://a/",
      "http:///x",
      "http://",
      "http://a:0/",
      "http://a:65536/",
      "http://a:b/",
      "http://user@a/",
      "http://user:pass@a/",
      "http://a%2eb/",
      "http://a\xe9/",
      "http://[::1/",
      "http://[1.2.3.4]/",
      "http://[::1]x/",
      `http://${"a".repeat(256)}/`,
    ]
  ) {
    refuses("ERR_HTTP_MALFORMED", `GET ${target} HTTP/1.1`, "Host: a");
  }
});

test("readProxyRequest() takes CONNECT with host and port, and no body", () => {
  const cases: [string, string, number][] = [
    ["a.example:443", "a.example", 443],
    ["[2001:db8::1]:1", "2001:db8::1", 1],
    ["192.0.2.1:65535", "192.0.2.1", 65_535],
  ];
  for (const [target, host, port] of cases) {
    const read = request(`CONNECT ${target} HTTP/1.1`, "Content-Length: 0");
    assert.equal(read.kind, "connect");
    assert.deepEqual(read.address, { host, port });
  }
  for (
    const target of [
      "a",
      "a:",
      "a:0",
      "::1:443",
      "http://a:80/",
      "/",
      "a:65536",
    ]
  ) {
    refuses("ERR_HTTP_MALFORMED", `CONNECT ${target} HTTP/1.1`);
  }
  refuses("ERR_HTTP_MALFORMED", "CONNECT a:1 HTTP/1.1", "Content-Length: 5");
  refuses(
    "ERR_HTTP_MALFORMED",
    "CONNECT a:1 HTTP/1.1",
    "Transfer-Encoding: chunked",
  );
});

test("readProxyRequest() drops what concerns one connection, adds nothing", () => {
  const read = forward(
    "POST http://a/ HTTP/1.1",
    "Host: a",
    "Connection: keep-alive, X-Mine , Content-Length,host",
    "X-Mine: 1",
    "Proxy-Connection: keep-alive",
    "Keep-Alive: timeout=5",
    "Proxy-Authenticate: Basic",
    "Proxy-Authorization: Basic YTpi",
    "TE: trailers",
    "Trailer: X",
    "Upgrade: websocket",
    "content-length: 5",
    "Authorization: Basic kept",
    "Expect: 100-continue",
    "X-Yours: 2",
  );
  assert.deepEqual(linesOf(read.head), [
    "POST / HTTP/1.1",
    "Host: a",
    "Authorization: Basic kept",
    "Expect: 100-continue",
    "X-Yours: 2",
    "Content-Length: 5",
  ]);
  assert.ok(read.expectsContinue);
});

test("readProxyRequest() gives a body a new framing", () => {
  const chunked = forward(
    "PUT http://a/ HTTP/1.1",
    "transfer-encoding:CHUNKED",
  );
  assert.deepEqual(linesOf(chunked.head).slice(2), [
    "Transfer-Encoding: chunked",
  ]);
  const twice = forward(
    "PUT http://a/ HTTP/1.1",
    "Content-Length: 05",
    "Content-Length: 05",
  );
  assert.deepEqual(linesOf(twice.head).slice(2), ["Content-Length: 5"]);
  refuses(
    "ERR_HTTP_FRAMING",
    "POST http://a/ HTTP/1.1",
    "Content-Length: 5",
    "Transfer-Encoding: chunked",
  );
  refuses("ERR_HTTP_MALFORMED", "GET http://a/ HTTP/1.1", "Host: a", "Host: a");
});

test("readProxyRequest() knows who keeps a connection", () => {
  const cases: [string, string[], boolean][] = [
    ["1.1", [], true],
    ["1.0", [], false],
    ["1.1", ["Connection: X, Close"], false],
    ["1.0", ["Connection: Keep-Alive"], true],
    ["1.1", ["Proxy-Connection: close"], false],
    ["1.0", ["Proxy-Connection: keep-alive"], true],
    ["1.1", ["Proxy-Connection: close", "Connection: keep-alive"], true],
    ["1.0", ["Proxy-Connection: keep-alive", "Connection: x"], false],
    ["1.0", ["Connection: keep-alive, close"], false],
  ];
  for (const [version, fields, keepAlive] of cases) {
    const read = forward(`GET http://a/ HTTP/${version}`, ...fields);
    assert.equal(read.keepAlive, keepAlive, `${version} ${fields}`);
  }
});

test("readProxyRequest() reads Basic credentials, and nothing else", () => {
  const credentials = (...values: string[]): string | undefined => {
    const fields = values.map((value) => `Proxy-Authorization: ${value}`);
    const read = forward("GET http://a/ HTTP/1.1", ...fields).credentials;
    return read && `${fromLatin1(read.username)}|${fromLatin1(read.password)}`;
  };
  assert.equal(
    credentials(`Basic ${btoa("ann:wonder:land")}`),
    "ann|wonder:land",
  );
  assert.equal(credentials(`bASIC  ${btoa(":\xff")}`), "|\xff");
  for (
    const value of [
      "Basic",
      "Basic !",
      "Basic YQ==", // no colon
      "Basic Y",
      "Bearer YTpi",
      "BasicYTpi",
      "Basic YTpi x",
    ]
  ) assert.equal(credentials(value), undefined, value);
  assert.equal(credentials("Basic YTpi", "Basic YTpi"), undefined);
});

test("readProxyResponse() frames the body for the client", () => {
  const chunked = "Transfer-Encoding: chunked";
  const cases: [HttpForward, string[], string, string, boolean][] = [
    [GET, ["1.1 200 OK", "Content-Length: 5"], "length", "length", true],
    [GET, ["1.1 200 OK", chunked], "chunked", "chunked", true],
    [GET, ["1.1 200 OK"], "close", "chunked", true],
    [GET, ["1.1 204 No"], "none", "none", true],
    [GET, ["1.1 204 No", "Content-Length: 5"], "none", "none", true],
    [GET, ["1.1 304 Not", "Content-Length: 5"], "none", "none", true],
    [OLD_GET, ["1.1 200 OK", "Content-Length: 5"], "length", "length", true],
    [OLD_GET, ["1.1 200 OK", chunked], "chunked", "close", false],
    [OLD_GET, ["1.1 200 OK"], "close", "close", false],
  ];
  for (const [asked, [line, ...fields], target, client, keepAlive] of cases) {
    const head = parseResponseHead([`HTTP/${line}`, ...fields]);
    const read = readProxyResponse(head, asked, true);
    const seen = [
      read.framing.kind,
      read.clientFraming.kind,
      read.clientKeepsAlive,
    ];
    assert.deepEqual(seen, [target, client, keepAlive], `${line} ${fields}`);
  }
});

test("readProxyResponse() tells the length of a body that is not sent", () => {
  const HEAD = forward("HEAD http://a/ HTTP/1.1");
  for (
    const [asked, status, lines] of [
      [HEAD, "200 OK", ["Content-Length: 5"]],
      [GET, "304 Not", ["Content-Length: 5"]],
      [GET, "204 No", []],
      [GET, "103 Early", []],
    ] as const
  ) {
    const line = `HTTP/1.1 ${status}`;
    const head = parseResponseHead([line, "Content-Length: 5"]);
    const read = readProxyResponse(head, asked, true);
    assert.equal(read.framing.kind, "none");
    assert.deepEqual(linesOf(read.head), [line, ...lines]);
  }
});

test("readProxyResponse() drops what concerns one connection, adds nothing", () => {
  const read = (asked: HttpForward, version: string, sent: boolean): string[] =>
    linesOf(
      readProxyResponse(
        parseResponseHead([
          `HTTP/${version} 200 Fine`,
          "Connection: keep-alive, X-Mine",
          "X-Mine: 1",
          "Keep-Alive: timeout=5",
          "Proxy-Authenticate: Basic",
          "Trailer: X",
          "Upgrade: h2c",
          "Set-Cookie: a",
          "Set-Cookie: b",
          "Content-Length: 0",
        ]),
        asked,
        sent,
      ).head,
    );
  const kept = [
    "HTTP/1.1 200 Fine",
    "Set-Cookie: a",
    "Set-Cookie: b",
    "Content-Length: 0",
  ];
  assert.deepEqual(read(GET, "1.1", true), kept);
  assert.deepEqual(read(GET, "1.0", true), kept);
  assert.deepEqual(read(OLD_GET, "1.1", true), [
    ...kept,
    "Connection: keep-alive",
  ]);
  assert.deepEqual(read(GET, "1.1", false), [...kept, "Connection: close"]);
});

test("readProxyResponse() uses a target again only where both ends are clear", () => {
  const reusable = (line: string, ...fields: string[]): boolean =>
    readProxyResponse(
      parseResponseHead([`HTTP/${line}`, ...fields]),
      GET,
      true,
    ).targetKeepsAlive;
  assert.ok(reusable("1.1 200 OK", "Content-Length: 5"));
  assert.ok(
    reusable("1.0 200 OK", "Content-Length: 5", "Connection: keep-alive"),
  );
  assert.ok(!reusable("1.0 200 OK", "Content-Length: 5"));
  assert.ok(!reusable("1.1 200 OK", "Content-Length: 5", "Connection: close"));
  assert.ok(!reusable("1.1 200 OK"));
});

test("readProxyResponse() refuses an ambiguous end, and 101 unasked", () => {
  for (
    const [code, ...lines] of [
      ["ERR_HTTP_MALFORMED", "HTTP/1.1 101 Switching"],
      [
        "ERR_HTTP_FRAMING",
        "HTTP/1.1 200 OK",
        "Transfer-Encoding: chunked, gzip",
      ],
      ["ERR_HTTP_FRAMING", "HTTP/1.1 200 OK", "Content-Length: five"],
      [
        "ERR_HTTP_FRAMING",
        "HTTP/1.1 200 OK",
        "Content-Length: 5",
        "Content-Length: 6",
      ],
    ]
  ) {
    assert.throws(
      () => readProxyResponse(parseResponseHead(lines), GET, true),
      (error) => error instanceof ProtocolError && error.code === code,
    );
  }
});

test("readProxyResponse() gives a new framing to responses that RFC 9112 defines, and does not reuse the connection", () => {
  const cases: [string[], string, string | undefined][] = [
    [
      ["1.1", "Content-Length: 5", "Transfer-Encoding: chunked"],
      "chunked",
      undefined,
    ],
    [["1.0", "Transfer-Encoding: chunked"], "chunked", undefined],
    [["1.1", "Transfer-Encoding: identity"], "close", undefined],
    [
      ["1.1", "Transfer-Encoding: identity", "Content-Length: 5"],
      "length",
      undefined,
    ],
    [["1.1", "Transfer-Encoding: gzip, chunked"], "chunked", "gzip, chunked"],
    [["1.1", "Transfer-Encoding: gzip"], "close", "gzip, chunked"],
  ];
  for (const [[version, ...fields], kind, coding] of cases) {
    const response = readProxyResponse(
      parseResponseHead([`HTTP/${version} 200 OK`, ...fields]),
      GET,
      true,
    );
    assert.equal(response.framing.kind, kind, fields.join());
    assert.equal(response.targetKeepsAlive, false);
    const head = fromLatin1(response.head);
    assert.equal(/Content-Length/.test(head), kind === "length");
    if (coding !== undefined) {
      assert.match(head, new RegExp(`\r\nTransfer-Encoding: ${coding}\r\n`));
    }
  }
  const same = readProxyResponse(
    parseResponseHead(["HTTP/1.1 200 OK", "Content-Length: 5, 5"]),
    GET,
    true,
  );
  assert.deepEqual(same.framing, { kind: "length", length: 5 });
  assert.ok(same.targetKeepsAlive);
});

test("readProxyResponse() does not mind the length of a body that is not there", () => {
  for (const value of ["x", "5, 6", "-1"]) {
    const { head, framing } = readProxyResponse(
      parseResponseHead(["HTTP/1.1 304 Same", `Content-Length: ${value}`]),
      GET,
      true,
    );
    assert.equal(framing.kind, "none");
    assert.doesNotMatch(fromLatin1(head), /Content-Length/);
  }
});

test("readProxyRequest() passes a change of protocols on, where nothing else can follow", () => {
  const ask = ["Connection: keep-alive, Upgrade", "Upgrade: websocket"];
  const read = (line: string, ...fields: string[]): HttpForward => {
    const request = readProxyRequest(parseRequestHead([line, ...fields]));
    assert.ok(request.kind === "forward");
    return request;
  };
  const asked = read("GET http://a/ HTTP/1.1", ...ask, "Sec-WebSocket-Key: x");
  assert.ok(asked.upgrades);
  assert.equal(
    fromLatin1(asked.head),
    "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: x\r\n" +
      "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  const without = [
    read("GET http://a/ HTTP/1.0", ...ask),
    read("GET http://a/ HTTP/1.1", "Upgrade: websocket"),
    read("GET http://a/ HTTP/1.1", "Connection: Upgrade"),
    read("POST http://a/ HTTP/1.1", ...ask, "Content-Length: 1"),
  ];
  for (const { upgrades, head } of without) {
    assert.ok(!upgrades);
    assert.doesNotMatch(fromLatin1(head), /upgrade/i);
  }
});

test("readProxyRequest() leaves a fragment out, which some clients send", () => {
  const request = readProxyRequest(
    parseRequestHead(["GET http://a/b?c#d HTTP/1.1"]),
  );
  assert.match(
    fromLatin1((request as HttpForward).head),
    /^GET \/b\?c HTTP\/1\.1\r\n/,
  );
});

test("every status has its code", () => {
  const codes: [ErrorCode, number][] = [
    ["ERR_HTTP_AUTHENTICATION", 407],
    ["ERR_POLICY_TARGET", 403],
    ["ERR_NET_PERMISSION", 403],
    ["ERR_NET_TIMEOUT", 504],
    ["ERR_NET_IDLE", 504],
    ["ERR_NET_REFUSED", 502],
    ["ERR_HTTP_TRUNCATED", 502],
    ["ERR_SS_AUTHENTICATION", 502],
  ];
  for (const [code, status] of codes) assert.equal(statusOf(code), status);
  assert.equal(requestErrorStatus("ERR_HTTP_VERSION"), 505);
  assert.equal(requestErrorStatus("ERR_HTTP_TOO_LARGE"), 431);
  assert.equal(requestErrorStatus("ERR_HTTP_FRAMING"), 400);
});

test("encodeAnswer() tells everything a client needs", () => {
  assert.equal(
    fromLatin1(encodeAnswer(407, { keepAlive: true })),
    "HTTP/1.1 407 Proxy Authentication Required\r\n" +
      "Content-Type: text/plain\r\nContent-Length: 34\r\n" +
      'Proxy-Authenticate: Basic realm="proxy", charset="UTF-8"\r\n\r\n' +
      "407 Proxy Authentication Required\n",
  );
  assert.equal(
    fromLatin1(encodeAnswer(502, { keepAlive: false, method: "HEAD" })),
    "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\n" +
      "Content-Length: 83\r\nConnection: close\r\n\r\n",
  );
  assert.match(
    fromLatin1(encodeAnswer(502, { keepAlive: false })),
    /\r\n\r\n502 Bad Gateway\nss-local: .* did not answer; the log has the reason/,
  );
});

test("isRepeatable() is true of requests that change nothing", () => {
  assert.ok(isRepeatable(GET));
  assert.ok(!isRepeatable(forward("POST http://a/ HTTP/1.1")));
  assert.ok(
    !isRepeatable(forward("GET http://a/ HTTP/1.1", "Content-Length: 1")),
  );
});

function refuses(code: string, ...lines: string[]): void {
  assert.throws(
    () => request(...lines),
    (error) => error instanceof ProtocolError && error.code === code,
    lines.join("\n"),
  );
}
