/**
 * `http_simple` and `http_post` at the server, which accepts both.
 *
 * @module
 */
import type { Layer } from "../../layer.ts";
import type { Step } from "../../stream_protocol.ts";
import { concat, fromLatin1, NOTHING, toLatin1 } from "../../../bytes.ts";
import type { Clock } from "../../../clock.ts";
import { MAX_SSR_HTTP_HEAD } from "../../../limits.ts";
import { cutShort, foreign } from "./foreign.ts";
import { hostsOf } from "./hosts.ts";
import { headEnd, httpDate } from "./http_head.ts";

/** The least bytes in the path of a request. */
const MIN_HIDDEN = 4;

/** The least bytes of a request, in the path and after the head. */
const MIN_REQUEST = 13;

const METHODS = ["GET /", "POST /"].map(toLatin1);

/** The layer of one connection. */
export class HttpObfsServer implements Layer {
  readonly #hosts: readonly string[];
  readonly #clock: Clock;
  #hasSent = false;
  #isOpen = false;
  /** An incomplete head; limited by {@link MAX_SSR_HTTP_HEAD}. */
  #received: Uint8Array = NOTHING;

  /**
   * Makes a layer that waits for a request.
   *
   * @param param Names that are allowed in the field Host; empty for any.
   * @param clock Supplies the date of the answer.
   */
  constructor(param: string, clock: Clock) {
    this.#hosts = hostsOf(param);
    this.#clock = clock;
  }

  wrap(payload: Uint8Array): Uint8Array {
    if (this.#hasSent || payload.length === 0) return payload;
    this.#hasSent = true;
    const lines = [
      "HTTP/1.1 200 OK",
      "Connection: keep-alive",
      "Content-Encoding: gzip",
      "Content-Type: text/html",
      `Date: ${httpDate(this.#clock.unixMs())}`,
      "Server: nginx",
      "Vary: Accept-Encoding",
    ];
    return concat(toLatin1(lines.join("\r\n") + "\r\n\r\n"), payload);
  }

  unwrap(bytes: Uint8Array): Step {
    if (this.#isOpen) return { payload: bytes };
    const from = this.#received.length;
    this.#received = concat(this.#received, bytes);
    checkMethod(this.#received);
    const end = headEnd(this.#received, from);
    if (end === undefined) {
      if (this.#received.length <= MAX_SSR_HTTP_HEAD) {
        return { payload: NOTHING };
      }
      throw foreign(NAME, "the head of the request is too long");
    }
    const head = fromLatin1(this.#received.subarray(0, end));
    this.#checkHost(head);
    const payload = concat(hiddenIn(head), this.#received.subarray(end));
    if (payload.length < MIN_REQUEST) {
      throw foreign(NAME, `${payload.length} bytes are too few for a request`);
    }
    this.#isOpen = true;
    this.#received = NOTHING;
    return { payload };
  }

  end(): void {
    if (!this.#isOpen) throw cutShort(NAME);
  }

  #checkHost(head: string): void {
    if (this.#hosts.length === 0) return;
    const host = /\r\nHost:[ \t]*([^\r\n]*)/i.exec(head)?.[1]
      ?.replace(/:\d*\s*$/, "").trim();
    if (host !== undefined && this.#hosts.includes(host)) return;
    throw foreign(NAME, "its Host is not allowed");
  }
}

const NAME = "http_simple";

/** Refuses bytes as soon as they cannot be a request. */
function checkMethod(received: Uint8Array): void {
  const fits = METHODS.some((method) => {
    const length = Math.min(method.length, received.length);
    return method.subarray(0, length).every((byte, i) => byte === received[i]);
  });
  if (!fits) throw foreign(NAME, "it is not a request");
}

/**
 * Returns the bytes in the path, up to the first character that is not an
 * escape.
 */
function hiddenIn(head: string): Uint8Array {
  const run = /^[A-Z]+ \/((?:%[\da-f]{2})*)/i.exec(head)?.[1] ?? "";
  if (run.length < 3 * MIN_HIDDEN) {
    throw foreign(NAME, "there are too few bytes in its path");
  }
  const bytes = new Uint8Array(run.length / 3);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = parseInt(run.slice(3 * i + 1, 3 * i + 3), 16);
  }
  return bytes;
}
