/**
 * Heads of HTTP/1.1 messages: start line and fields, without I/O.
 *
 * Strict where two readers of the same bytes could disagree: lines end in CRLF
 * and nothing else, a field never goes on in the next line, no space stands
 * before a colon. Bytes above 0x7f pass as they are (obs-text).
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
} from "../limits.ts";

/** A field as it was sent: name, and value without the space around it. */
export type HttpField = readonly [name: string, value: string];

/** Head of a request. */
export interface HttpRequestHead {
  /** A token; case matters. */
  readonly method: string;
  /** Request target, in whatever form. */
  readonly target: string;
  /** 0 or 1. */
  readonly minorVersion: 0 | 1;
  /** In order. */
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
  /** In order. */
  readonly fields: readonly HttpField[];
}

const CR = 0x0d;
const LF = 0x0a;

/** Bytes of the last line's CRLF and the empty line's. */
const HEAD_END_LENGTH = 2 + 2;

/** Bytes that most heads fit in. */
const INITIAL_SPACE = 1_024;

/**
 * Collects bytes until a head is complete. After it throws it is dead.
 *
 * Time: linear in the bytes pushed. Space: one head and what came with it.
 */
export class HttpHeadReader {
  #bytes = new Uint8Array(INITIAL_SPACE);
  #length = 0;
  /** Where the head starts: behind the empty lines before it. */
  #start = 0;
  #scanned = 0;
  #lineStart = 0;
  #lines = 0;

  /** Whether nothing of a head has arrived; empty lines do not count. */
  get empty(): boolean {
    return this.#length === this.#start;
  }

  /** Takes bytes, split anywhere; they are copied. */
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
   * The lines of the head without their ends, once they are complete. Empty
   * lines before the first are skipped (RFC 9112 §2.2).
   *
   * @returns Lines, the start line first; `undefined` when more is needed.
   * @throws {ProtocolError} `ERR_HTTP_MALFORMED`; `ERR_HTTP_TOO_LARGE`.
   */
  next(): string[] | undefined {
    for (; this.#scanned < this.#length; this.#scanned++) {
      const at = this.#scanned;
      const byte = this.#bytes[at]!;
      const afterCr = at > this.#lineStart && this.#bytes[at - 1] === CR;
      if (afterCr !== (byte === LF)) {
        throw malformed("CR or LF that is not part of CRLF");
      }
      this.#checkSize(at, byte);
      if (byte !== LF) continue;
      const isEmpty = at - this.#lineStart === 1;
      this.#lineStart = at + 1;
      if (!isEmpty) this.#lines++;
      else if (this.#lines > 0) return this.#take(at + 1);
      else this.#start = at + 1;
    }
    return undefined;
  }

  /** Takes out what came behind the last head. */
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
    // So many complete lines are the start line and as many fields as may be.
    if (this.#lines > MAX_HTTP_FIELDS && lineLength === 1 && byte !== CR) {
      throw tooLarge(`more than ${MAX_HTTP_FIELDS} fields`);
    }
  }

  #take(end: number): string[] {
    const text = fromLatin1(
      this.#bytes.subarray(this.#start, end - HEAD_END_LENGTH),
    );
    this.#bytes.copyWithin(0, end, this.#length);
    this.#restart(this.#length - end);
    return text.split("\r\n");
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
 * Reads the lines of a request's head.
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
 * Reads the lines of a response's head.
 *
 * @throws {ProtocolError} `ERR_HTTP_MALFORMED`; `ERR_HTTP_VERSION`.
 */
export function parseResponseHead(lines: readonly string[]): HttpResponseHead {
  const [line = "", ...fieldLines] = lines;
  // The space before an empty reason is missing in many servers' responses.
  const match = /^HTTP\/(\d)\.(\d) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/
    .exec(line);
  if (match === null) throw malformed("status line");
  return {
    minorVersion: minorVersion(match[1]!, match[2]!),
    status: Number(match[3]),
    reason: match[4] ?? "",
    fields: fieldLines.map(parseField),
  };
}

/** Writes a head with its empty line; the caller vouches for the parts. */
export function encodeHead(
  startLine: string,
  fields: readonly HttpField[],
): Uint8Array {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return toLatin1(`${startLine}\r\n${lines.join("")}\r\n`);
}

/** Every value of a field, in order; names do not care for case. */
export function fieldValues(
  fields: readonly HttpField[],
  name: string,
): string[] {
  return fields.filter(([one]) => one.toLowerCase() === name)
    .map(([, value]) => value);
}

/** The elements of a comma-separated field, in lower case. RFC 9110 §5.6.1. */
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
  // A line that starts with a space would continue the one before (obs-fold).
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/
    .exec(line);
  if (match === null) throw malformed("field line");
  return [match[1]!, trimSpace(match[2]!)];
}

/** Removes SP and HTAB; `trim()` would take 0xa0 too, part of obs-text. */
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
