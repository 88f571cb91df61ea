/**
 * Heads of HTTP/1.1 messages: start line and fields, without I/O.
 *
 * Requests are parsed strictly where two parsers of the same bytes could
 * disagree: lines end in CRLF only, a field does not continue in the next line,
 * and no space precedes a colon. Responses of old servers are repaired as RFC
 * 9112 permits for a proxy. Bytes above 0x7f pass unchanged (obs-text).
 *
 * Source: RFC 9112 §2 to §5; RFC 9110 §5.
 *
 * @module
 */
import { fromLatin1, toLatin1 } from "../bytes.ts";
import { ProtocolError, type ProtocolErrorCode } from "../errors.ts";
import {
  MAX_HTTP_FIELDS,
  MAX_HTTP_HEAD_LENGTH,
  MAX_HTTP_LINE_LENGTH,
  MAX_HTTP_RESPONSE_FIELDS,
} from "../limits.ts";

/** A field as it was sent: name, and value without surrounding space. */
export type HttpField = readonly [name: string, value: string];

/** Head of a request. */
export interface HttpRequestHead {
  /** A token; case-sensitive. */
  readonly method: string;
  /** Request target, in any form. */
  readonly target: string;
  /** 0 or 1. */
  readonly minorVersion: 0 | 1;
  /** The fields, in order. */
  readonly fields: readonly HttpField[];
}

/** Head of a response. */
export interface HttpResponseHead {
  /** 0 or 1. */
  readonly minorVersion: 0 | 1;
  /** 100 to 999. */
  readonly status: number;
  /** May be empty. */
  readonly reason: string;
  /** The fields, in order. */
  readonly fields: readonly HttpField[];
  /** True if something was repaired or dropped. */
  readonly repaired: boolean;
}

const CR = 0x0d;
const LF = 0x0a;

/** Bytes that suffice for most heads. */
const INITIAL_SPACE = 1_024;

/**
 * Collects bytes until a head is complete. It must not be used after an error.
 *
 * Time: linear in the bytes pushed. Space: one head and the bytes after it.
 */
export class HttpHeadReader {
  readonly #lenient: boolean;
  #bytes = new Uint8Array(INITIAL_SPACE);
  #length = 0;
  /** The offset of the head, after the empty lines before it. */
  #start = 0;
  #scanned = 0;
  #lineStart = 0;
  #lines = 0;

  /** @param kind In responses, lines may end in LF, and CR may appear alone. */
  constructor(kind: "request" | "response" = "request") {
    this.#lenient = kind === "response";
  }

  /** True if no byte of a head has arrived; empty lines do not count. */
  get empty(): boolean {
    return this.#length === this.#start;
  }

  /** Adds bytes, split anywhere; they are copied. */
  push(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
  }

  /**
   * Returns the lines of the head without their ends, once it is complete.
   * Empty lines before the first one are skipped (RFC 9112 §2.2).
   *
   * @returns Lines, the start line first; `undefined` if more bytes are needed.
   * @throws {ProtocolError} `ERR_HTTP_MALFORMED`; `ERR_HTTP_TOO_LARGE`.
   */
  next(): string[] | undefined {
    for (; this.#scanned < this.#length; this.#scanned++) {
      const at = this.#scanned;
      const byte = this.#bytes[at]!;
      const afterCr = at > this.#lineStart && this.#bytes[at - 1] === CR;
      if (afterCr !== (byte === LF) && !this.#lenient) {
        throw malformed("CR or LF that is not part of CRLF");
      }
      this.#checkSize(at, byte);
      if (byte !== LF) continue;
      const isEmpty = at - this.#lineStart === Number(afterCr);
      this.#lineStart = at + 1;
      if (!isEmpty) this.#lines++;
      else if (this.#lines > 0) return this.#take(at + 1);
      else this.#start = at + 1;
    }
    return undefined;
  }

  /** Removes and returns the bytes after the last head. */
  takeRest(): Uint8Array {
    const rest = this.#bytes.slice(0, this.#length);
    this.#bytes = new Uint8Array(INITIAL_SPACE);
    this.#restart(0);
    return rest;
  }

  #checkSize(at: number, byte: number): void {
    const lineLength = at + 1 - this.#lineStart;
    if (this.#lines === 0 && lineLength > MAX_HTTP_LINE_LENGTH + 2) {
      throw tooLarge(`first line over ${MAX_HTTP_LINE_LENGTH} bytes`);
    }
    if (at >= MAX_HTTP_HEAD_LENGTH) {
      throw tooLarge(`head over ${MAX_HTTP_HEAD_LENGTH} bytes`);
    }
    // That many complete lines are the start line and all permitted fields.
    const maxFields = this.#lenient
      ? MAX_HTTP_RESPONSE_FIELDS
      : MAX_HTTP_FIELDS;
    const isField = lineLength === 1 && byte !== CR && byte !== LF;
    if (this.#lines > maxFields && isField) {
      throw tooLarge(`more than ${maxFields} fields`);
    }
  }

  #take(end: number): string[] {
    const text = fromLatin1(this.#bytes.subarray(this.#start, end));
    this.#bytes.copyWithin(0, end, this.#length);
    this.#restart(this.#length - end);
    // The text ends with the end of the last line and the empty line.
    return text.split(this.#lenient ? /\r?\n/ : "\r\n").slice(0, -2);
  }

  #restart(length: number): void {
    this.#length = length;
    this.#start = 0;
    this.#scanned = 0;
    this.#lineStart = 0;
    this.#lines = 0;
  }
}

/**
 * Parses the lines of a request's head.
 *
 * @throws {ProtocolError} `ERR_HTTP_MALFORMED`; `ERR_HTTP_VERSION`.
 */
export function parseRequestHead(lines: readonly string[]): HttpRequestHead {
  const [line = "", ...fieldLines] = lines;
  const match =
    /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) HTTP\/(\d)\.(\d)$/
      .exec(line);
  if (match === null) throw malformed("request line");
  return {
    method: match[1]!,
    target: match[2]!,
    minorVersion: minorVersion(match[3]!, match[4]!),
    fields: fieldLines.map(parseField),
  };
}

/**
 * Parses the lines of a response's head. It repairs errors of old servers:
 * white space around names and in the status line, continued lines, control
 * characters. Lines that are not fields are dropped.
 *
 * Source: RFC 9112 §2.2, §4, §5.1, §5.2; RFC 9110 §2.5, §5.5.
 *
 * @throws {ProtocolError} `ERR_HTTP_MALFORMED`; `ERR_HTTP_VERSION`.
 */
export function parseResponseHead(lines: readonly string[]): HttpResponseHead {
  const [line = "", ...fieldLines] = lines.map((one) =>
    one.replace(CONTROLS, " ")
  );
  // Many servers omit the space before an empty reason.
  const match =
    /^(?:HTTP\/(\d)\.(\d)|ICY)[ \t]+([1-9]\d\d)(?:[ \t]+(.*))?[ \t]*$/i
      .exec(line);
  if (match === null) throw malformed("status line");
  const [, major = "1", minor = "0", status, reason = ""] = match;
  const fields: [name: string, value: string][] = [];
  let repaired = [line, ...fieldLines].join("\r\n") !== lines.join("\r\n");
  for (const one of fieldLines) {
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)([ \t]*):(.*)$/.exec(one);
    const last = fields.at(-1);
    if (field !== null) fields.push([field[1]!, trimSpace(field[3]!)]);
    else if (/^[ \t]/.test(one) && last !== undefined) {
      last[1] = trimSpace(`${last[1]} ${trimSpace(one)}`);
    }
    repaired ||= field === null || field[2] !== "";
  }
  return {
    // A later minor version is treated as 1.1.
    minorVersion: minorVersion(major, minor > "1" ? "1" : minor),
    status: Number(status),
    reason: trimSpace(reason),
    fields,
    repaired,
  };
}

/**
 * Characters that must not be in a line; a space replaces them: RFC 9110 §5.5.
 */
// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f]/g;

/** Encodes a head with its empty line. The caller must check the parts. */
export function encodeHead(
  startLine: string,
  fields: readonly HttpField[],
): Uint8Array {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return toLatin1(`${startLine}\r\n${lines.join("")}\r\n`);
}

/**
 * Returns every value of a field, in order.
 *
 * @param name In lower case; the fields' names may have any case.
 */
export function fieldValues(
  fields: readonly HttpField[],
  name: string,
): string[] {
  return fields.filter(([one]) => one.toLowerCase() === name)
    .map(([, value]) => value);
}

/**
 * Returns the elements of a comma-separated field, in lower case. RFC 9110
 * §5.6.1.
 */
export function listElements(
  fields: readonly HttpField[],
  name: string,
): string[] {
  return fieldValues(fields, name)
    .flatMap((value) => value.split(","))
    .map((element) => element.trim().toLowerCase())
    .filter((element) => element !== "");
}

function parseField(line: string): HttpField {
  // A line that starts with a space would continue the previous one (obs-fold).
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/
    .exec(line);
  if (match === null) throw malformed("field line");
  return [match[1]!, trimSpace(match[2]!)];
}

/**
 * Removes SP and HTAB. `trim()` would also remove 0xa0, which is part of
 * obs-text.
 */
function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text[start]!)) start++;
  while (end > start && isSpace(text[end - 1]!)) end--;
  return text.slice(start, end);
}

function isSpace(character: string): boolean {
  return character === " " || character === "\t";
}

function minorVersion(major: string, minor: string): 0 | 1 {
  if (major !== "1" || minor > "1") {
    throw httpError(
      "ERR_HTTP_VERSION",
      `Cannot read HTTP message: version ${major}.${minor} is not 1.0 or 1.1`,
    );
  }
  return minor === "0" ? 0 : 1;
}

function malformed(what: string): ProtocolError {
  return httpError(
    "ERR_HTTP_MALFORMED",
    `Cannot read HTTP message: invalid ${what}`,
  );
}

function tooLarge(what: string): ProtocolError {
  return httpError("ERR_HTTP_TOO_LARGE", `Cannot read HTTP message: ${what}`);
}

function httpError(code: ProtocolErrorCode, message: string): ProtocolError {
  return new ProtocolError(code, message);
}
