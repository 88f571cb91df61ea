/**
 * One HTTP request on a connection of its own, and its complete response. The
 * caller learns if the other side may have received the request.
 *
 * Source: RFC 9112. Redirections are not followed, because that would send the
 * secrets in the URL to another host.
 *
 * @module
 */
import { concat, NOTHING } from "../../bytes.ts";
import { Deadline } from "../../clock.ts";
import { HttpBodyDecoder, responseFraming } from "../../codec/http_body.ts";
import {
  encodeHead,
  type HttpField,
  HttpHeadReader,
  type HttpResponseHead,
  parseResponseHead,
} from "../../codec/http_head.ts";
import { ProtocolError } from "../../errors.ts";
import type { StopSignal } from "../../on_abort.ts";
import { anyTarget } from "../../security/target_policy.ts";
import { streamOf } from "../../streams/byte_stream.ts";
import type { ByteStream } from "../../transport.ts";
import { Direct } from "../outbound/direct.ts";
import type { Dependencies } from "../service.ts";

/** A request. */
export interface HttpCall {
  /** An `http:` or `https:` URL. Its path and query may be secret. */
  readonly url: URL;
  /** Header fields, in addition to those of every request. */
  readonly fields: readonly HttpField[];
  /** The body of a POST; if not set, the request is a GET. */
  readonly body?: Uint8Array | undefined;
  /** Milliseconds from the dial to the end of the response. */
  readonly timeoutMs: number;
  /** The most bytes of the response body. */
  readonly maxBytes: number;
  /** Called before the first byte of the request leaves. */
  onSending?(): void;
}

/** A response. */
export interface HttpAnswer
  extends Pick<HttpResponseHead, "status" | "fields"> {
  /** The complete body. */
  readonly body: Uint8Array;
}

/**
 * Sends a request and reads the response.
 *
 * @param signal Its abort cancels the request.
 * @throws {TransportError} Also `ERR_NET_TIMEOUT`, and for a certificate that
 * is not valid.
 * @throws {ProtocolError} `ERR_HTTP_…` for a response that is not HTTP, or too
 * long.
 */
export async function callHttp(
  call: HttpCall,
  world: Required<Dependencies>,
  signal: StopSignal,
): Promise<HttpAnswer> {
  const { url, timeoutMs } = call;
  using deadline = new Deadline(world.clock, {
    delayMs: timeoutMs,
    parent: signal,
    what: () => `No answer from ${url.host}`,
  });
  const stream = await connect(call, world, deadline.signal);
  try {
    const request = encodeRequest(call);
    call.onSending?.();
    await stream.write(request, deadline.signal);
    return await readAnswer(stream, call, deadline.signal);
  } finally {
    stream.close();
  }
}

async function connect(
  { url, timeoutMs: connectTimeoutMs }: HttpCall,
  world: Required<Dependencies>,
  signal: StopSignal,
): Promise<ByteStream> {
  const isSecure = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || (isSecure ? 443 : 80);
  const direct = new Direct({ policy: anyTarget, connectTimeoutMs }, world);
  const channel = await direct.open({ host, port }, NOTHING, signal);
  const stream = streamOf(channel);
  return isSecure
    ? await world.secure(stream, { serverName: host, signal })
    : stream;
}

function encodeRequest({ url, fields, body }: HttpCall): Uint8Array {
  const method = body === undefined ? "GET" : "POST";
  const head = encodeHead(`${method} ${url.pathname}${url.search} HTTP/1.1`, [
    ["Host", url.host],
    ["User-Agent", "umbra"],
    ["Accept-Encoding", "identity"],
    ["Connection", "close"],
    ...fields,
    ...body === undefined
      ? []
      : [["Content-Length", `${body.length}`] as const],
  ]);
  return concat(head, body ?? NOTHING);
}

async function readAnswer(
  stream: ByteStream,
  { url, maxBytes }: HttpCall,
  signal: StopSignal,
): Promise<HttpAnswer> {
  const heads = new HttpHeadReader("response");
  const head = await readHead(stream, heads, signal);
  const { status, fields, minorVersion } = head;
  const isBare = status === 204 || status === 304;
  const { framing = TO_THE_END, codings } = responseFraming(
    fields,
    minorVersion,
  );
  if (codings.length > 0) {
    throw tooMuch("ERR_HTTP_FRAMING", url, "it has a content coding");
  }
  const decoder = new HttpBodyDecoder(isBare ? BARE : framing, "response");
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let bytes: Uint8Array | undefined = heads.takeRest();;) {
    const { payload } = decoder.decode(bytes);
    length += payload.length;
    if (length > maxBytes) {
      throw tooMuch("ERR_HTTP_TOO_LARGE", url, `over ${maxBytes} bytes`);
    }
    parts.push(payload);
    if (decoder.done) break;
    bytes = await stream.read(signal);
    if (bytes !== undefined) continue;
    decoder.end();
    break;
  }
  return { status, fields, body: concat(...parts) };
}

/** Reads the first head that is not an interim response. */
async function readHead(
  stream: ByteStream,
  heads: HttpHeadReader,
  signal: StopSignal,
): Promise<HttpResponseHead> {
  for (;;) {
    const lines = heads.next();
    if (lines !== undefined) {
      const head = parseResponseHead(lines);
      if (head.status >= 200) return head;
      continue;
    }
    const bytes = await stream.read(signal);
    if (bytes === undefined) {
      throw new ProtocolError(
        "ERR_HTTP_TRUNCATED",
        "Cannot read HTTP message: it ended before its head was complete",
      );
    }
    heads.push(bytes);
  }
}

const TO_THE_END = { kind: "close" } as const;
const BARE = { kind: "none" } as const;

function tooMuch(
  code: "ERR_HTTP_FRAMING" | "ERR_HTTP_TOO_LARGE",
  url: URL,
  why: string,
): ProtocolError {
  return new ProtocolError(
    code,
    `Cannot use the answer of ${url.host}: ${why}`,
  );
}
