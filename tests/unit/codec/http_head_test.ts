import assert from "node:assert/strict";
import { test } from "node:test";
import { fromLatin1, toLatin1 } from "../../../src/bytes.ts";
import {
  encodeHead,
  fieldValues,
  HttpHeadReader,
  listElements,
  parseRequestHead,
  parseResponseHead,
} from "../../../src/codec/http_head.ts";
import { ProtocolError } from "../../../src/errors.ts";
import {
  MAX_HTTP_FIELDS,
  MAX_HTTP_HEAD_LENGTH,
  MAX_HTTP_LINE_LENGTH,
  MAX_HTTP_RESPONSE_FIELDS,
} from "../../../src/limits.ts";
import { unaligned } from "../../support/bytes.ts";
import { feedThreeWays } from "../../support/feed_three_ways.ts";

/** Feeds a fresh reader; what it says and how many bytes it took. */
function readHead(
  bytes: Uint8Array,
): { message: string[]; length: number } | undefined {
  const reader = new HttpHeadReader();
  reader.push(bytes);
  const message = reader.next();
  if (message === undefined) return undefined;
  return { message, length: bytes.length - reader.takeRest().length };
}

const GET = "GET http://a/ HTTP/1.1\r\nHost: a\r\nX:\t y \r\n\r\n";

test("HttpHeadReader wants every byte of a head, and takes no byte more", () => {
  feedThreeWays(readHead, toLatin1(GET), [
    "GET http://a/ HTTP/1.1",
    "Host: a",
    "X:\t y ",
  ]);
  feedThreeWays(readHead, toLatin1("HTTP/1.1 200\r\n\r\n"), ["HTTP/1.1 200"]);
  feedThreeWays(readHead, toLatin1("\r\n\r\nA B C\r\n\r\n"), ["A B C"]);
});

test("HttpHeadReader reads one head after the other, byte by byte", () => {
  const reader = new HttpHeadReader();
  const heads: string[][] = [];
  assert.ok(reader.empty);
  for (const byte of toLatin1(`${GET}\r\n${GET}\xff`)) {
    reader.push(Uint8Array.of(byte));
    const lines = reader.next();
    if (lines) heads.push(lines);
  }
  assert.deepEqual(heads.map(([line]) => line), [
    "GET http://a/ HTTP/1.1",
    "GET http://a/ HTTP/1.1",
  ]);
  assert.ok(!reader.empty);
  assert.equal(reader.takeRest().toHex(), "ff");
  assert.ok(reader.empty);
});

test("HttpHeadReader refuses CR and LF that are not CRLF, at that byte", () => {
  for (const text of ["A\n", "A\r\r", "A\r\n\n", "\n", "\rA", "A: b\r\nC\rD"]) {
    const reader = new HttpHeadReader();
    const bytes = toLatin1(text);
    reader.push(bytes.subarray(0, -1));
    assert.equal(reader.next(), undefined, JSON.stringify(text));
    reader.push(bytes.subarray(-1));
    assert.throws(() => reader.next(), hasCode("ERR_HTTP_MALFORMED"));
  }
});

test("HttpHeadReader takes a line, a head and fields up to the limits", () => {
  const line = "A".repeat(MAX_HTTP_LINE_LENGTH);
  assert.ok(readHead(toLatin1(`${line}\r\n\r\n`)));
  tooLarge(`${line}A\r\n`);
  tooLarge(`${line}AAA`);

  const fields = "a: b\r\n".repeat(MAX_HTTP_FIELDS);
  assert.equal(
    readHead(toLatin1(`A\r\n${fields}\r\n`))?.message.length,
    1 + MAX_HTTP_FIELDS,
  );
  tooLarge(`A\r\n${fields}a`);

  const rest = MAX_HTTP_HEAD_LENGTH - "A\r\nb: \r\n\r\n".length;
  const whole = `A\r\nb: ${"c".repeat(rest)}\r\n\r\n`;
  assert.ok(readHead(toLatin1(whole)));
  tooLarge(`A\r\nb: c${"c".repeat(rest)}\r\n\r\n`);
  tooLarge("\r\n".repeat(MAX_HTTP_HEAD_LENGTH));
});

test("parseRequestHead() reads method, target, version and fields", () => {
  const head = parseRequestHead([
    "M-SEARCH http://a/\xe9?b HTTP/1.0",
    "Host:a",
    "x-Y: \t b c\xa0 \t",
    "Empty:",
  ]);
  assert.deepEqual(head, {
    method: "M-SEARCH",
    target: "http://a/\xe9?b",
    minorVersion: 0,
    fields: [["Host", "a"], ["x-Y", "b c\xa0"], ["Empty", ""]],
  });
});

test("parseRequestHead() refuses what two readers could read in two ways", () => {
  for (
    const line of [
      "",
      "GET",
      "GET /",
      "GET  / HTTP/1.1",
      "GET / HTTP/1.1 ",
      " GET / HTTP/1.1",
      "GET\t/ HTTP/1.1",
      "GET / x HTTP/1.1",
      "GET / http/1.1",
      "GET / HTTP/1.1x",
      "GET / HTTP/11",
      "G(T / HTTP/1.1",
      "GET /\x00 HTTP/1.1",
      "GET /\x7f HTTP/1.1",
    ]
  ) {
    assert.throws(
      () => parseRequestHead([line]),
      hasCode("ERR_HTTP_MALFORMED"),
      line,
    );
  }
  for (const version of ["0.9", "1.2", "2.0", "3.0"]) {
    assert.throws(
      () => parseRequestHead([`GET / HTTP/${version}`]),
      hasCode("ERR_HTTP_VERSION"),
    );
  }
  for (
    const field of [
      " folded",
      "\tfolded",
      "Name : value",
      "Name\t: value",
      ": value",
      "Name",
      "Na me: value",
      "Name: a\x00b",
      "Name: a\x7fb",
      "Na\xe9me: a",
    ]
  ) {
    assert.throws(
      () => parseRequestHead(["GET / HTTP/1.1", "A: b", field]),
      hasCode("ERR_HTTP_MALFORMED"),
      field,
    );
  }
});

test("parseResponseHead() reads status and reason, which may be missing", () => {
  for (
    const [line, status, reason] of [
      ["HTTP/1.1 200 OK", 200, "OK"],
      ["HTTP/1.1 404 Not  Found\xe9", 404, "Not  Found\xe9"],
      ["HTTP/1.1 204 ", 204, ""],
      ["HTTP/1.1 999", 999, ""],
      ["HTTP/1.1  200 \tOK ", 200, "OK"],
      ["http/1.7 200\tOK", 200, "OK"],
    ] as const
  ) {
    assert.deepEqual(parseResponseHead([line]), {
      minorVersion: 1,
      status,
      reason,
      fields: [],
      repaired: false,
    });
  }
  for (
    const line of [
      "HTTP/1.1 20 OK",
      "HTTP/1.1 2000 OK",
      "HTTP/1.1 099 OK",
      "HTTP/1.1 200OK",
      "HTTP/1.1",
      "SSH-2.0-OpenSSH",
    ]
  ) {
    assert.throws(
      () => parseResponseHead([line]),
      hasCode("ERR_HTTP_MALFORMED"),
      line,
    );
  }
});

test("parseResponseHead() repairs what RFC 9112 lets a proxy repair", () => {
  const cases: [lines: string[], fields: [string, string][]][] = [
    [["A: b", " c", "\td", "E: f"], [["A", "b c d"], ["E", "f"]]],
    [[" lost", "A: b"], [["A", "b"]]],
    [["A : b", "C\t: d"], [["A", "b"], ["C", "d"]]],
    [["A: b\x00c\rd\x7f"], [["A", "b c d"]]],
    [["no field", "A: b", ": x", "Na me: y"], [["A", "b"]]],
  ];
  for (const [lines, fields] of cases) {
    const head = parseResponseHead(["HTTP/1.1 200 OK", ...lines]);
    assert.deepEqual(head.fields, fields);
    assert.ok(head.repaired, lines.join());
  }
  const icy = parseResponseHead(["ICY 200 O\x00K", "icy-name: x"]);
  assert.deepEqual([icy.minorVersion, icy.status, icy.reason], [0, 200, "O K"]);
});

test("HttpHeadReader takes LF, and CR alone, of a response only", () => {
  const text = "\r\n\nHTTP/1.1 200 OK\nA: b\r\nC: d\re\n\nbody";
  for (const size of [1, 3, text.length]) {
    const reader = new HttpHeadReader("response");
    let lines: string[] | undefined;
    for (let at = 0; at < text.length; at += size) {
      reader.push(toLatin1(text.slice(at, at + size)));
      lines ??= reader.next();
    }
    assert.deepEqual(lines, ["HTTP/1.1 200 OK", "A: b", "C: d\re"]);
    assert.equal(fromLatin1(reader.takeRest()), "body");
  }
  const strict = new HttpHeadReader();
  strict.push(toLatin1("GET / HTTP/1.1\n"));
  assert.throws(() => strict.next(), hasCode("ERR_HTTP_MALFORMED"));
});

test("HttpHeadReader takes more fields of a response, and not any number", () => {
  const head = (count: number): Uint8Array =>
    toLatin1(`HTTP/1.1 200 OK\n${"A: b\n".repeat(count)}\n`);
  const most = new HttpHeadReader("response");
  most.push(head(MAX_HTTP_RESPONSE_FIELDS));
  assert.equal(most.next()?.length, MAX_HTTP_RESPONSE_FIELDS + 1);
  const more = new HttpHeadReader("response");
  more.push(head(MAX_HTTP_RESPONSE_FIELDS + 1));
  assert.throws(() => more.next(), hasCode("ERR_HTTP_TOO_LARGE"));
});

test("encodeHead() inverts parseRequestHead()", () => {
  const lines = ["GET /\xff HTTP/1.1", "Host: a", "B: c\xe9 d"];
  const { fields } = parseRequestHead(lines);
  const bytes = encodeHead(lines[0]!, fields);
  assert.deepEqual(readHead(unaligned(bytes))?.message, lines);
});

test("fieldValues() and listElements() do not care for the case of names", () => {
  const fields = [["A", "x, Y ,,"], ["b", "1"], ["a", "z"]] as const;
  assert.deepEqual(fieldValues(fields, "a"), ["x, Y ,,", "z"]);
  assert.deepEqual(listElements(fields, "a"), ["x", "y", "z"]);
});

test("fromLatin1() inverts toLatin1(), for every byte and long texts", () => {
  const all = Uint8Array.from({ length: 20_000 }, (_, i) => i & 0xff);
  assert.deepEqual(toLatin1(fromLatin1(all)), all);
  assert.equal(fromLatin1(Uint8Array.of(0x80, 0x9f)), "\x80\x9f");
});

function tooLarge(text: string): void {
  assert.throws(() => readHead(toLatin1(text)), hasCode("ERR_HTTP_TOO_LARGE"));
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ProtocolError && error.code === code;
}
