import assert from "node:assert/strict";
import { test } from "node:test";
import { concat, toLatin1 } from "../../../src/bytes.ts";
import {
  bodyFraming,
  encodeBody,
  HttpBodyDecoder,
  type HttpFraming,
} from "../../../src/codec/http_body.ts";
import type { HttpField } from "../../../src/codec/http_head.ts";
import { ProtocolError } from "../../../src/errors.ts";
import {
  MAX_HTTP_CHUNK_LINE_LENGTH,
  MAX_HTTP_HEAD_LENGTH,
} from "../../../src/limits.ts";
import { randomSplit, seededBytes, utf8 } from "../../support/bytes.ts";
import { feedThreeWays } from "../../support/feed_three_ways.ts";

const CHUNKED: HttpFraming = { kind: "chunked" };

type Decode = (
  bytes: Uint8Array,
) => { message: Uint8Array; length: number } | undefined;

/** A decoder of whole bodies, for {@link feedThreeWays}. */
function decodeWith(framing: HttpFraming): Decode {
  return (bytes) => {
    const body = new HttpBodyDecoder(framing);
    const { payload, rest } = body.decode(bytes);
    if (!body.done) return undefined;
    return { message: payload.slice(), length: bytes.length - rest.length };
  };
}

test("bodyFraming() tells where a body ends", () => {
  const cases: [HttpField[], HttpFraming | undefined][] = [
    [[], undefined],
    [[["content-length", "0"]], { kind: "length", length: 0 }],
    [[["Content-Length", "007"]], { kind: "length", length: 7 }],
    [[["A", "1"], ["content-length", "5"], ["Content-Length", "5"]], {
      kind: "length",
      length: 5,
    }],
    [[["Transfer-Encoding", "Chunked"]], CHUNKED],
  ];
  for (const [fields, framing] of cases) {
    assert.deepEqual(bodyFraming(fields, 1), framing);
  }
});

test("bodyFraming() refuses what can smuggle a second request", () => {
  const length = (value: string): HttpField => ["Content-Length", value];
  const coding = (value: string): HttpField => ["transfer-encoding", value];
  for (
    const fields of [
      [length("5"), coding("chunked")],
      [length("5"), length("6")],
      [length("5"), length("05")],
      [length("5, 5")],
      [length("5,6")],
      [length("")],
      [length("+5")],
      [length("-1")],
      [length("0x5")],
      [length("5 5")],
      [length("1e3")],
      [length("9999999999999999")],
      [coding("chunked"), coding("chunked")],
      [coding("gzip, chunked")],
      [coding("chunked, gzip")],
      [coding("chunked;q=1")],
      [coding("xchunked")],
      [coding("identity")],
      [coding("")],
      [coding("chunked\x0b")],
    ]
  ) {
    assert.throws(
      () => bodyFraming(fields, 1),
      hasCode("ERR_HTTP_FRAMING"),
      JSON.stringify(fields),
    );
  }
  assert.throws(
    () => bodyFraming([coding("chunked")], 0),
    hasCode("ERR_HTTP_FRAMING"),
  );
});

test("HttpBodyDecoder wants every byte of a body, and takes no byte more", () => {
  feedThreeWays(
    decodeWith({ kind: "length", length: 5 }),
    utf8("hello"),
    utf8("hello"),
  );
  for (
    const [wire, payload] of [
      ["0\r\n\r\n", ""],
      ["5\r\nhello\r\n0\r\n\r\n", "hello"],
      [
        "2;a=b;c\r\nhe\r\n0003\r\nllo\r\n000;x\r\nT: u\r\nV: w\r\n\r\n",
        "hello",
      ],
      ["A\r\n0123456789\r\n0\r\n\r\n", "0123456789"],
      ["2\r\n\r\n\r\n0\r\n\r\n", "\r\n"],
    ] as const
  ) {
    feedThreeWays(decodeWith(CHUNKED), utf8(wire), utf8(payload));
  }
});

test("HttpBodyDecoder is done at once, when there is no body", () => {
  for (
    const framing of [{ kind: "none" }, { kind: "length", length: 0 }] as const
  ) {
    const body = new HttpBodyDecoder(framing);
    assert.ok(body.done);
    assert.deepEqual(body.decode(utf8("next")).rest, utf8("next"));
    body.end();
  }
});

test("HttpBodyDecoder ends with the connection, only where it may", () => {
  const body = new HttpBodyDecoder({ kind: "close" });
  assert.deepEqual(body.decode(utf8("all")).payload, utf8("all"));
  assert.ok(!body.done);
  body.end();
  assert.ok(body.done);
  for (const framing of [CHUNKED, { kind: "length", length: 4 } as const]) {
    const cut = new HttpBodyDecoder(framing);
    cut.decode(utf8("1\r\n"));
    assert.throws(() => cut.end(), hasCode("ERR_HTTP_TRUNCATED"));
  }
});

test("HttpBodyDecoder refuses chunks that two readers could see differently", () => {
  for (
    const wire of [
      "\r\n",
      " 5\r\n",
      "5 \r\n",
      "0x5\r\n",
      "+5\r\n",
      "-1\r\n",
      "g\r\n",
      ";a\r\n",
      "1000000000000\r\n",
      "5;a\x00\r\n",
      "5\nhello",
      "5\r\r\n",
      "5;a\rb\r\n",
      "2\r\nhello",
      "5\r\nhello\n",
      "5\r\nhello0\r\n",
      "0\r\n\n",
      "0\r\nT: u\n",
    ]
  ) {
    assert.throws(
      () => new HttpBodyDecoder(CHUNKED).decode(toLatin1(wire)),
      hasCode("ERR_HTTP_FRAMING"),
      JSON.stringify(wire),
    );
  }
});

test("HttpBodyDecoder reads the chunks of old servers, split anywhere", () => {
  const decode: Decode = (bytes) => {
    const body = new HttpBodyDecoder(CHUNKED, "response");
    const { payload, rest } = body.decode(bytes);
    if (!body.done) return undefined;
    return { message: payload.slice(), length: bytes.length - rest.length };
  };
  for (
    const wire of [
      "2   \r\nhe\r\n3\t\r\nllo\r\n0  \r\n\r\n",
      "2\nhe\n3\nllo\n0\n\n",
      " 2 ; a=b\r\nhe\r\n00000000000000003\r\nllo\r\n0\r\nT: u\n\r\n",
      "5;a\rb\r\nhello\r\n0\r\n\r\n",
    ]
  ) {
    feedThreeWays(decode, utf8(wire), utf8("hello"));
  }
  for (const wire of ["0x5\r\n", "g\n", "\n", "2\nhel", "2\r\nhe\r\r\n"]) {
    assert.throws(
      () => new HttpBodyDecoder(CHUNKED, "response").decode(utf8(wire)),
      hasCode("ERR_HTTP_FRAMING"),
      JSON.stringify(wire),
    );
  }
});

test("HttpBodyDecoder is complete once a response's last chunk is there, not before", () => {
  const last = new HttpBodyDecoder(CHUNKED, "response");
  last.decode(utf8("1\r\na\r\n0\r\n"));
  last.end();
  assert.ok(last.done);
  for (const wire of ["", "1\r\na", "1\r\na\r\n", "1\r\na\r\n0"]) {
    const cut = new HttpBodyDecoder(CHUNKED, "response");
    cut.decode(utf8(wire));
    assert.throws(() => cut.end(), hasCode("ERR_HTTP_TRUNCATED"), wire);
  }
});

test("HttpBodyDecoder bounds the lines between chunks", () => {
  const most = "x".repeat(MAX_HTTP_CHUNK_LINE_LENGTH - 2);
  new HttpBodyDecoder(CHUNKED).decode(utf8(`5;${most}\r\n`));
  tooLarge(`5;${most}x`);
  const trailers = `${"x".repeat(62)}\r\n`;
  const body = new HttpBodyDecoder(CHUNKED);
  const fits = MAX_HTTP_HEAD_LENGTH / trailers.length;
  body.decode(utf8("0\r\n" + trailers.repeat(fits)));
  assert.throws(() => body.decode(utf8("x")), hasCode("ERR_HTTP_TOO_LARGE"));
});

test("HttpBodyDecoder inverts encodeBody(), however the bytes are split", () => {
  const parts = [0, 1, 15, 16, 300, 70_000].map((n) => seededBytes(n, n + 1));
  const wire = concat(
    ...parts.map((part, i) => encodeBody(CHUNKED, part, i === 5)),
  );
  const splits = [1, 2, 3].map((seed) => randomSplit(wire, seed));
  for (const split of [...splits, [...wire].map((b) => Uint8Array.of(b))]) {
    const body: HttpBodyDecoder = new HttpBodyDecoder(CHUNKED);
    const got = split.map((part) => body.decode(part).payload);
    assert.deepEqual(concat(...got), concat(...parts));
    assert.ok(body.done);
  }
});

test("encodeBody() adds nothing where the length is known otherwise", () => {
  const payload = utf8("x");
  for (const kind of ["none", "close"] as const) {
    assert.equal(encodeBody({ kind }, payload, true), payload);
  }
});

function tooLarge(wire: string): void {
  assert.throws(
    () => new HttpBodyDecoder(CHUNKED).decode(utf8(wire)),
    hasCode("ERR_HTTP_TOO_LARGE"),
  );
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ProtocolError && error.code === code;
}
