/**
 * Queries over one connection to a resolver, one after the other: over TCP or
 * TLS with a length before each message, or as HTTP requests.
 *
 * Source: RFC 1035 §4.2.2, RFC 7858 §3.3, RFC 8484 §4.1.
 *
 * @module
 */
import type { StopSignal } from "../../on_abort.ts";
import { concat, readU16, writeU16 } from "../../bytes.ts";
import { formatAddress } from "../../codec/address.ts";
import { HttpBodyDecoder, responseFraming } from "../../codec/http_body.ts";
import {
  encodeHead,
  HttpHeadReader,
  parseResponseHead,
} from "../../codec/http_head.ts";
import { ProtocolError } from "../../errors.ts";
import { MAX_DNS_MESSAGE_LENGTH } from "../../limits.ts";
import type { ByteStream } from "../../transport.ts";
import type { DnsResolver } from "./dns_resolver.ts";
import { frameMessage, MessageReader } from "./dns_tcp.ts";

/** One connection to a resolver, which must be closed after an error. */
export interface DnsTalk {
  /** True if another query can be sent. */
  readonly isOpen: boolean;
  /**
   * Sends a query and waits for the answer.
   *
   * @throws {UmbraError} If there is no answer.
   */
  ask(message: Uint8Array, signal: StopSignal): Promise<Uint8Array>;
  /** Closes the connection. Idempotent. */
  close(): void;
}

/** Starts queries over a stream, which the result owns. */
export function talkOver(stream: ByteStream, resolver: DnsResolver): DnsTalk {
  return resolver.protocol === "https"
    ? new HttpTalk(stream, resolver)
    : new FramedTalk(stream);
}

class FramedTalk implements DnsTalk {
  readonly isOpen = true;
  readonly #stream: ByteStream;
  readonly #messages: MessageReader;
  #signal: StopSignal | undefined;

  constructor(stream: ByteStream) {
    this.#stream = stream;
    this.#messages = new MessageReader(
      () => stream.read(this.#signal),
      MAX_DNS_MESSAGE_LENGTH,
    );
  }

  async ask(message: Uint8Array, signal: StopSignal): Promise<Uint8Array> {
    this.#signal = signal;
    await this.#stream.write(frameMessage(message), signal);
    const answer = await this.#messages.next();
    if (answer === undefined) {
      throw unusable("the resolver closed the connection");
    }
    return answer;
  }

  close(): void {
    this.#stream.close();
  }
}

class HttpTalk implements DnsTalk {
  isOpen = true;
  readonly #stream: ByteStream;
  readonly #resolver: DnsResolver;

  constructor(stream: ByteStream, resolver: DnsResolver) {
    this.#stream = stream;
    this.#resolver = resolver;
  }

  async ask(message: Uint8Array, signal: StopSignal): Promise<Uint8Array> {
    const { path = "/dns-query" } = this.#resolver;
    // HTTP caches identify a query by its bytes, so its id is 0. RFC 8484 §4.1.
    const question = message.slice();
    writeU16(question, 0, 0);
    const head = encodeHead(`POST ${path} HTTP/1.1`, [
      ["Host", hostOf(this.#resolver)],
      ["Content-Type", MEDIA_TYPE],
      ["Accept", MEDIA_TYPE],
      ["Content-Length", `${question.length}`],
    ]);
    await this.#stream.write(concat(head, question), signal);
    const answer = await this.#answer(signal);
    if (answer.length < 2) throw unusable("it is empty");
    writeU16(answer, 0, readU16(message, 0));
    return answer;
  }

  close(): void {
    this.#stream.close();
  }

  async #answer(signal: StopSignal): Promise<Uint8Array> {
    const heads = new HttpHeadReader("response");
    let lines: readonly string[] | undefined;
    while ((lines = heads.next()) === undefined) {
      heads.push(await this.#read(signal));
    }
    const { status, fields, minorVersion } = parseResponseHead(lines);
    if (status !== 200) throw unusable(`the resolver answers ${status}`);
    const { framing = CLOSE, codings, doubtful } = responseFraming(
      fields,
      minorVersion,
    );
    if (codings.length > 0) throw unusable("it has a content coding");
    const body = new HttpBodyDecoder(framing, "response");
    const parts: Uint8Array[] = [];
    let length = 0;
    for (let bytes = heads.takeRest();;) {
      const { payload, rest } = body.decode(bytes);
      parts.push(payload);
      length += payload.length;
      if (length > MAX_DNS_MESSAGE_LENGTH) throw unusable("it is too long");
      if (body.done) {
        // Bytes after the answer would be taken for the next answer.
        this.isOpen = rest.length === 0 && !doubtful && minorVersion === 1 &&
          framing.kind !== "close";
        return concat(...parts);
      }
      const next = await this.#stream.read(signal);
      if (next === undefined) {
        body.end();
        this.isOpen = false;
        return concat(...parts);
      }
      bytes = next;
    }
  }

  async #read(signal: StopSignal): Promise<Uint8Array> {
    const bytes = await this.#stream.read(signal);
    if (bytes === undefined) {
      throw unusable("the resolver closed the connection");
    }
    return bytes;
  }
}

const MEDIA_TYPE = "application/dns-message";

const CLOSE = { kind: "close" } as const;

/** Returns the host, without the default port. */
function hostOf({ host, port }: DnsResolver): string {
  if (port !== 443) return formatAddress({ host, port });
  return host.includes(":") ? `[${host}]` : host;
}

function unusable(reason: string): ProtocolError {
  return new ProtocolError(
    "ERR_DNS_MESSAGE",
    `Cannot use DNS answer: ${reason}`,
  );
}
