/**
 * Bodies of HTTP/1.1 messages, without I/O: it finds their end and decodes the
 * chunked coding. Chunk extensions and trailers are checked and dropped.
 *
 * ```text
 * chunked  size in hex [; extension] CRLF | size bytes | CRLF | ... | 0 CRLF
 *          [trailer fields] CRLF
 * ```
 *
 * Source: RFC 9112 §6, §7.
 *
 * @module
 */
import { concat, toLatin1 } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { MAX_HTTP_CHUNK_LINE_LENGTH, MAX_HTTP_HEAD_LENGTH } from "../limits.ts";
import { fieldValues, type HttpField, listElements } from "./http_head.ts";

/** The way in which the end of a body is found. */
export type HttpFraming =
  | { readonly kind: "none" }
  /** The body has this many bytes, 0 or more. */
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  /** The body ends with the connection; responses only. */
  | { readonly kind: "close" };

/** A message without a body. */
export const NO_BODY: HttpFraming = { kind: "none" };

/**
 * Finds the framing of a request's body in its fields.
 *
 * @param minorVersion HTTP/1.0 has no chunked coding, so that such a message is
 * refused.
 * @returns `undefined` if the fields name no framing.
 * @throws {ProtocolError} `ERR_HTTP_FRAMING` if two parsers could find two
 * different lengths: both fields, several lengths, other codings.
 */
export function bodyFraming(
  fields: readonly HttpField[],
  minorVersion: 0 | 1,
): HttpFraming | undefined {
  const codings = fieldValues(fields, "transfer-encoding");
  const lengths = fieldValues(fields, "content-length");
  if (codings.length > 0) {
    if (lengths.length > 0) {
      throw ambiguous("both Transfer-Encoding and Content-Length");
    }
    if (minorVersion === 0) throw ambiguous("Transfer-Encoding in HTTP/1.0");
    if (codings.length > 1 || codings[0]!.toLowerCase() !== "chunked") {
      throw ambiguous("a Transfer-Encoding other than chunked");
    }
    return { kind: "chunked" };
  }
  const [length] = lengths;
  if (length === undefined) return undefined;
  if (lengths.some((other) => other !== length)) {
    throw ambiguous("several values of Content-Length");
  }
  // 15 digits are exact as a number, and enough for every body.
  if (!/^\d{1,15}$/.test(length)) throw ambiguous("an invalid Content-Length");
  return { kind: "length", length: Number(length) };
}

/** The framing of the body of a response. */
export interface ResponseFraming {
  /** `undefined` if the fields name no framing. */
  readonly framing: HttpFraming | undefined;
  /** Codings of the body except `chunked`, in order; they are passed on. */
  readonly codings: readonly string[];
  /** True if other parsers could find another end of the body. */
  readonly doubtful: boolean;
}

/**
 * Finds the framing of a response's body. For doubtful fields it follows RFC
 * 9112 §6.3, and the connection must not be reused.
 *
 * @throws {ProtocolError} `ERR_HTTP_FRAMING` for several lengths, invalid ones,
 * and `chunked` that is not the last coding.
 */
export function responseFraming(
  fields: readonly HttpField[],
  minorVersion: 0 | 1,
): ResponseFraming {
  const named = listElements(fields, "transfer-encoding");
  const codings = named.filter((coding) => coding !== "identity");
  if (codings.length === 0) {
    // A list of equal lengths counts as one: RFC 9112 §6.3.
    const lengths = fieldValues(fields, "content-length")
      .flatMap((value) => value.split(","))
      .map((value): HttpField => ["Content-Length", value.trim()]);
    const framing = bodyFraming(lengths, minorVersion);
    return { framing, codings, doubtful: named.length > 0 };
  }
  const isChunked = codings.at(-1) === "chunked";
  const others = isChunked ? codings.slice(0, -1) : codings;
  if (others.includes("chunked")) {
    throw ambiguous("chunked before another Transfer-Encoding");
  }
  const hasLength = fieldValues(fields, "content-length").length > 0;
  return {
    framing: { kind: isChunked ? "chunked" : "close" },
    codings: others,
    doubtful: hasLength || minorVersion === 0 || others.length > 0,
  };
}

/** Finds the end of one body. It must not be used after an error. */
export class HttpBodyDecoder {
  readonly #framing: HttpFraming;
  readonly #lenient: boolean;
  #state: "data" | "line" | "chunk-end" | "trailer" | "done";
  /** Bytes of the body, or of the chunk, that have not arrived yet. */
  #missing: number;
  /** The received part of a chunk line or trailer line. */
  #line = "";
  #trailerLength = 0;

  /**
   * @param framing The framing of the message.
   * @param kind In responses, lines between chunks may end in LF, and there may
   * be space around sizes.
   */
  constructor(
    framing: HttpFraming,
    kind: "request" | "response" = "request",
  ) {
    this.#framing = framing;
    this.#lenient = kind === "response";
    this.#missing = framing.kind === "length"
      ? framing.length
      : framing.kind === "close"
      ? Infinity
      : 0;
    this.#state = framing.kind === "chunked"
      ? "line"
      : this.#missing > 0
      ? "data"
      : "done";
  }

  /** True if the body is complete. */
  get done(): boolean {
    return this.#state === "done";
  }

  /**
   * Decodes bytes, split anywhere.
   *
   * @returns The payload, and the bytes after the end of the body; both may be
   * views of `bytes`.
   * @throws {ProtocolError} `ERR_HTTP_FRAMING`; `ERR_HTTP_TOO_LARGE`.
   */
  decode(bytes: Uint8Array): { payload: Uint8Array; rest: Uint8Array } {
    const parts: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length && !this.done) {
      if (this.#state === "data") {
        const part = bytes.subarray(at, at + this.#missing);
        parts.push(part);
        at += part.length;
        this.#missing -= part.length;
        if (this.#missing === 0) {
          this.#state = this.#framing.kind === "chunked" ? "chunk-end" : "done";
        }
      } else {
        const line = this.#takeByte(bytes[at++]!);
        if (line !== undefined) this.#readLine(line);
      }
    }
    const payload = parts.length === 1 ? parts[0]! : concat(...parts);
    return { payload, rest: bytes.subarray(at) };
  }

  /**
   * Reports the end of the peer's bytes.
   *
   * @throws {ProtocolError} `ERR_HTTP_TRUNCATED` if the body is incomplete.
   */
  end(): void {
    if (this.#framing.kind === "close") this.#state = "done";
    // The last chunk has arrived: RFC 9112 §8.
    if (this.#lenient && this.#state === "trailer") this.#state = "done";
    if (this.done) return;
    throw new ProtocolError(
      "ERR_HTTP_TRUNCATED",
      "Cannot read HTTP message: it ended inside its body",
    );
  }

  /** Adds a byte to the line; returns the complete line without CRLF. */
  #takeByte(byte: number): string | undefined {
    const afterCr = this.#line.endsWith("\r");
    if (afterCr !== (byte === 0x0a) && !this.#lenient) {
      throw ambiguous("CR or LF that is not part of CRLF");
    }
    const isEnd = byte === 0x0d || byte === 0x0a;
    if (this.#state === "chunk-end" && !isEnd) {
      throw ambiguous("a chunk longer than it says");
    }
    if (this.#state === "trailer") this.#trailerLength++;
    if (
      !isEnd && this.#line.length === MAX_HTTP_CHUNK_LINE_LENGTH ||
      this.#trailerLength > MAX_HTTP_HEAD_LENGTH
    ) {
      throw new ProtocolError(
        "ERR_HTTP_TOO_LARGE",
        "Cannot read HTTP message: line between chunks is too long",
      );
    }
    this.#line += String.fromCharCode(byte);
    if (byte !== 0x0a) return undefined;
    const line = this.#line.replace(/\r?\n$/, "");
    this.#line = "";
    return line;
  }

  #readLine(line: string): void {
    if (this.#state === "chunk-end") {
      if (line !== "") throw ambiguous("a chunk longer than it says");
      this.#state = "line";
    } else if (this.#state === "trailer") {
      if (line === "") this.#state = "done";
    } else {
      this.#missing = chunkSize(
        this.#lenient ? line.replaceAll("\r", " ").trim() : line,
      );
      this.#state = this.#missing > 0 ? "data" : "trailer";
    }
  }
}

/**
 * Encodes a part of a body.
 *
 * @param framing The framing of the message.
 * @param payload Borrowed; returned unchanged if nothing is added.
 * @param last True if the body ends with this part.
 */
export function encodeBody(
  framing: HttpFraming,
  payload: Uint8Array,
  last: boolean,
): Uint8Array {
  if (framing.kind !== "chunked") return payload;
  const parts: Uint8Array[] = [];
  // A chunk of size 0 would end the body.
  if (payload.length > 0) {
    const size = toLatin1(`${payload.length.toString(16)}\r\n`);
    parts.push(size, payload, CRLF);
  }
  if (last) parts.push(LAST_CHUNK);
  return concat(...parts);
}

const CRLF = toLatin1("\r\n");
const LAST_CHUNK = toLatin1("0\r\n\r\n");

/**
 * Parses a chunk size (RFC 9112 §7.1). It has no sign and no prefix, and space
 * only before an extension.
 */
function chunkSize(line: string): number {
  // 12 hex digits are exact as a number.
  const match = /^0*([0-9A-Fa-f]{1,12})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/
    .exec(line);
  if (match === null) throw ambiguous("an invalid chunk size");
  return parseInt(match[1]!, 16);
}

function ambiguous(what: string): ProtocolError {
  return new ProtocolError(
    "ERR_HTTP_FRAMING",
    `Cannot find the end of the HTTP message: it has ${what}`,
  );
}
