/**
 * The handshake that upgrades an HTTP connection to a WebSocket, for both ends,
 * without I/O.
 *
 * Source: RFC 6455 §4.
 *
 * Security: the path of a request is a secret, which no message repeats.
 *
 * @module
 */
import { equalBytes, toLatin1 } from "../../bytes.ts";
import { encodeBase64 } from "../../codec/base64.ts";
import {
  encodeHead,
  fieldValues,
  type HttpField,
  HttpHeadReader,
  type HttpRequestHead,
  listElements,
  parseRequestHead,
  parseResponseHead,
} from "../../codec/http_head.ts";
import { parseIp } from "../../codec/ip_address.ts";
import { SHA1 } from "../../crypto/legacy_digest.ts";
import { ProtocolError } from "../../errors.ts";
import type { RandomBytes } from "../../random.ts";

/** The suffix that is hashed with a key. RFC 6455 §1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const KEY_BYTES = 16;

/** The target of an upgrade. */
export interface UpgradeTarget {
  /** The host, with the port unless it is the default. */
  readonly authority: string;
  /** The path with its query. */
  readonly path: string;
  /** Further fields; a `Host` replaces the default one. */
  readonly headers?: readonly HttpField[] | undefined;
}

/** The client's side of a handshake. */
export class ClientUpgrade {
  /** The bytes of the request. */
  readonly request: Uint8Array;
  readonly #key: string;
  readonly #authority: string;
  readonly #head = new HttpHeadReader("response");

  /** Makes the request. */
  constructor(
    { authority, path, headers = [] }: UpgradeTarget,
    randomBytes: RandomBytes,
  ) {
    this.#key = encodeBase64(randomBytes(KEY_BYTES));
    this.#authority = authority;
    const [host = authority] = fieldValues(headers, "host");
    this.request = encodeHead(`GET ${path} HTTP/1.1`, [
      ["Host", host],
      ...headers.filter(([name]) => name.toLowerCase() !== "host"),
      ["Upgrade", "websocket"],
      ["Connection", "Upgrade"],
      ["Sec-WebSocket-Key", this.#key],
      ["Sec-WebSocket-Version", "13"],
    ]);
  }

  /**
   * Takes bytes of the answer, split anywhere.
   *
   * @returns The bytes after the answer, once it is complete.
   * @throws {ProtocolError} `ERR_WS_HANDSHAKE` if the server declines.
   */
  read(bytes: Uint8Array): Uint8Array | undefined {
    this.#head.push(bytes);
    const lines = this.#head.next();
    if (lines === undefined) return undefined;
    const { status, fields } = parseResponseHead(lines);
    if (status !== 101) throw this.#declined(status);
    const [accepted] = fieldValues(fields, "sec-websocket-accept");
    const isComplete = accepted === acceptKey(this.#key) &&
      listElements(fields, "upgrade").includes("websocket") &&
      listElements(fields, "connection").includes("upgrade");
    if (!isComplete) {
      throw this.#wrong("answered 101 without a WebSocket upgrade");
    }
    if (fieldValues(fields, "sec-websocket-extensions").length > 0) {
      throw this.#wrong("chose an extension that was not offered");
    }
    return this.#head.takeRest();
  }

  /** Returns the error of a server that closed before it answered. */
  end(): ProtocolError {
    return this.#wrong("closed the connection without an answer");
  }

  #declined(status: number): ProtocolError {
    const hint = DECLINED.get(status);
    return this.#wrong(
      `answered ${status}, not 101` + (hint === undefined ? "" : `: ${hint}`),
    );
  }

  #wrong(what: string): ProtocolError {
    return new ProtocolError(
      "ERR_WS_HANDSHAKE",
      `WebSocket server ${this.#authority} ${what}`,
    );
  }
}

const GATEWAY = "the server behind the web server is not running";

const DECLINED: ReadonlyMap<number, string> = new Map([
  [404, "the path or the server is wrong"],
  [400, "it is not a WebSocket server, or the path is wrong"],
  [200, "the path leads to a web page"],
  [502, GATEWAY],
  [503, GATEWAY],
  [504, GATEWAY],
]);

/** A client's request, as a server has read it. */
export interface ReadRequest {
  readonly head: HttpRequestHead;
  /** The bytes after the head. */
  readonly rest: Uint8Array;
}

/** The server's side of a handshake. */
export class ServerUpgrade {
  readonly #head = new HttpHeadReader();

  /**
   * Takes bytes of the request, split anywhere.
   *
   * @returns The request, once it is complete.
   * @throws {ProtocolError} Any `ERR_HTTP_…`.
   */
  read(bytes: Uint8Array): ReadRequest | undefined {
    this.#head.push(bytes);
    const lines = this.#head.next();
    if (lines === undefined) return undefined;
    return { head: parseRequestHead(lines), rest: this.#head.takeRest() };
  }
}

/**
 * Returns the answer to a WebSocket request; `undefined` for any other request.
 */
export function acceptUpgrade(
  { method, minorVersion, fields }: HttpRequestHead,
): Uint8Array | undefined {
  const [key = "", second] = fieldValues(fields, "sec-websocket-key");
  const isUpgrade = method === "GET" && minorVersion === 1 &&
    listElements(fields, "upgrade").includes("websocket") &&
    listElements(fields, "connection").includes("upgrade") &&
    fieldValues(fields, "sec-websocket-version")[0] === "13" &&
    /^[A-Za-z0-9+/]{21}[AQgw]==$/.test(key) && second === undefined;
  if (!isUpgrade) return undefined;
  return encodeHead("HTTP/1.1 101 Switching Protocols", [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Accept", acceptKey(key)],
  ]);
}

/** The answer to every other request. */
export const NOT_FOUND: Uint8Array = encodeHead("HTTP/1.1 404 Not Found", [
  ["Content-Length", "0"],
  ["Connection", "close"],
]);

/**
 * True if a request is for this path.
 *
 * Security: the time is the same for all paths of one length.
 */
export function isForPath({ target }: HttpRequestHead, path: string): boolean {
  return equalBytes(toLatin1(target), toLatin1(path));
}

/**
 * Returns the client's address: the last address in `X-Forwarded-For` that is
 * not a trusted proxy.
 *
 * @param isTrusted True for the address of a trusted proxy.
 * @param peer The address that the request came from.
 * @returns The peer, if it is not a trusted proxy or sends no address.
 */
export function forwardedFor(
  { fields }: HttpRequestHead,
  peer: string,
  isTrusted: (ip: string) => boolean,
): string {
  if (!isTrusted(peer)) return peer;
  const said = listElements(fields, "x-forwarded-for").map(withoutPort);
  let client = peer;
  for (const ip of said.reverse()) {
    if (parseIp(ip) === undefined) break;
    client = ip;
    if (!isTrusted(ip)) break;
  }
  return client;
}

/** Removes the port that some proxies add: `IP:PORT`, `[IP]:PORT`. */
function withoutPort(text: string): string {
  return /^\[(.*)\](?::\d+)?$/.exec(text)?.[1] ??
    /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
}

function acceptKey(key: string): string {
  return encodeBase64(SHA1.hash(toLatin1(key + GUID)));
}
