/**
 * `http_simple` and `http_post` at the client. The first bytes are sent as the
 * path of an HTTP request, all others unchanged.
 *
 * ```text
 * GET /%xx%xx… HTTP/1.1 CRLF fields CRLF CRLF | rest
 * ```
 *
 * @module
 */
import type { Layer } from "../../layer.ts";
import type { Step } from "../../stream_protocol.ts";
import { concat, NOTHING, toLatin1 } from "../../../bytes.ts";
import { MAX_SSR_HTTP_HEAD } from "../../../limits.ts";
import { randomBelow, type RandomBytes } from "../../../random.ts";
import { cutShort, foreign } from "./foreign.ts";
import { pickHost } from "./hosts.ts";
import { headEnd } from "./http_head.ts";

/** The disguise of a client's first bytes. */
export interface HttpDisguise {
  /** The name of the obfs. */
  readonly name: "http_simple" | "http_post";
  /**
   * Names for the field Host, separated by commas; after `#`, further fields.
   */
  readonly param: string;
  /** Name or address of the server. */
  readonly host: string;
  /** The port of the server. */
  readonly port: number;
  /** Bytes of the initialization vector, which is always in the path. */
  readonly ivLength: number;
}

/** The layer of one connection. */
export class HttpObfsClient implements Layer {
  readonly #disguise: HttpDisguise;
  readonly #randomBytes: RandomBytes;
  #hasSent = false;
  #isOpen = false;
  /** An incomplete head; limited by {@link MAX_SSR_HTTP_HEAD}. */
  #received: Uint8Array = NOTHING;

  /** Makes a layer that has sent nothing. */
  constructor(disguise: HttpDisguise, randomBytes: RandomBytes) {
    this.#disguise = disguise;
    this.#randomBytes = randomBytes;
  }

  wrap(payload: Uint8Array): Uint8Array {
    if (this.#hasSent || payload.length === 0) return payload;
    this.#hasSent = true;
    const hidden = this.#hiddenLength(payload.length);
    return concat(
      this.#head(payload.subarray(0, hidden)),
      payload.subarray(hidden),
    );
  }

  unwrap(bytes: Uint8Array): Step {
    if (this.#isOpen) return { payload: bytes };
    const from = this.#received.length;
    this.#received = concat(this.#received, bytes);
    const end = headEnd(this.#received, from);
    if (end === undefined) {
      if (this.#received.length <= MAX_SSR_HTTP_HEAD) {
        return { payload: NOTHING };
      }
      throw foreign(this.#disguise.name, "the head of the answer is too long");
    }
    const payload = this.#received.subarray(end);
    this.#isOpen = true;
    this.#received = NOTHING;
    return { payload };
  }

  end(): void {
    if (!this.#isOpen && this.#received.length > 0) {
      throw cutShort(this.#disguise.name);
    }
  }

  /** Returns how many bytes go into the path: all, unless there are many. */
  #hiddenLength(length: number): number {
    const least = this.#disguise.ivLength + HIDDEN_HEADER;
    if (length - least <= MAX_HIDDEN_MORE) return length;
    return least + randomBelow(MAX_HIDDEN_MORE + 1, this.#randomBytes);
  }

  #head(hidden: Uint8Array): Uint8Array {
    const { name, param, host, port } = this.#disguise;
    const named = pickHost(param, host, this.#randomBytes);
    const shown = named.includes(":") ? `[${named}]` : named;
    const custom = param.split("#").slice(1).join("#");
    const lines = [
      `${name === "http_post" ? "POST" : "GET"} /${escape(hidden)} HTTP/1.1`,
      `Host: ${shown}${port === 80 ? "" : `:${port}`}`,
      ...(custom !== ""
        ? custom.split(/\r?\n|\\n/).filter((line) => line !== "")
        : this.#usualFields(name)),
    ];
    return toLatin1(lines.join("\r\n") + "\r\n\r\n");
  }

  #usualFields(name: HttpDisguise["name"]): string[] {
    const agent = AGENTS[randomBelow(AGENTS.length, this.#randomBytes)]!;
    return [
      `User-Agent: ${agent}`,
      "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
      "Accept-Language: en-US,en;q=0.8",
      "Accept-Encoding: gzip, deflate",
      ...(name === "http_post"
        ? [`Content-Type: multipart/form-data; boundary=${this.#boundary()}`]
        : []),
      "DNT: 1",
      "Connection: keep-alive",
    ];
  }

  #boundary(): string {
    return Array.from(
      { length: 32 },
      () => ALPHANUMERIC[randomBelow(ALPHANUMERIC.length, this.#randomBytes)],
    ).join("");
  }
}

/** Bytes of a header in the path, in addition to the initialization vector. */
const HIDDEN_HEADER = 30;

/** The most further bytes in the path. */
const MAX_HIDDEN_MORE = 64;

const ALPHANUMERIC =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const AGENTS = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
  "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
];

function escape(bytes: Uint8Array): string {
  return Array.from(
    bytes,
    (byte) => `%${byte.toString(16).padStart(2, "0")}`,
  ).join("");
}
