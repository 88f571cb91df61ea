/**
 * One HTTP request and its response. Both are forwarded at the same time,
 * because a target may answer before it has the whole request.
 *
 * @module
 */
import type { Channel } from "../../streams/channel.ts";
import { concat, NOTHING } from "../../bytes.ts";
import {
  encodeBody,
  HttpBodyDecoder,
  type HttpFraming,
} from "../../codec/http_body.ts";
import { HttpHeadReader, parseResponseHead } from "../../codec/http_head.ts";
import { ProtocolError, TransportError } from "../../errors.ts";
import type { HttpForward } from "../../session/http/request.ts";
import {
  type ProxyResponse,
  readProxyResponse,
} from "../../session/http/response.ts";
import { IdleSignal } from "../../streams/idle_signal.ts";
import { UNANSWERED } from "../connection_report.ts";
import type { InboundClient } from "./inbound.ts";

/** The end of an exchange. */
export interface ExchangeEnd {
  /** True if the client's connection can be used again. */
  readonly clientKeepsAlive: boolean;
  /** True if the connection to the target can be used again. */
  readonly targetKeepsAlive: boolean;
  /** Bytes of the client after its request. */
  readonly rest: Uint8Array;
  /**
   * Set if the target accepted an upgrade: the response head and the bytes
   * after it, which were not sent to the client yet.
   */
  readonly switched?: Uint8Array;
}

/** Runs one exchange and records its state. */
export class HttpExchange {
  /** True if a part of the final response was sent to the client. */
  answered = false;
  /** True if the target has sent anything. */
  heard = false;
  /** True if the client's side failed. */
  clientFailed = false;
  readonly #client: InboundClient;
  readonly #channel: Channel;
  readonly #request: HttpForward;
  readonly #heads = new HttpHeadReader("response");
  /** Bytes of the client that were not forwarded yet. */
  #rest: Uint8Array;
  #requestSent = false;

  /**
   * @param client The client.
   * @param channel The channel to the target; the caller owns it.
   * @param request The request, whose head was read.
   * @param rest Bytes after the head.
   */
  constructor(
    client: InboundClient,
    channel: Channel,
    request: HttpForward,
    rest: Uint8Array,
  ) {
    this.#client = client;
    this.#channel = channel;
    this.#request = request;
    this.#rest = rest;
  }

  /**
   * Runs the exchange to the end of the response.
   *
   * @throws {ProtocolError} Any `ERR_HTTP_…` or `ERR_SS_…`.
   * @throws {TransportError} An error of the client's or the server's
   * connection; `ERR_NET_IDLE`.
   */
  async run(): Promise<ExchangeEnd> {
    const { clock, idleTimeoutMs, signal } = this.#client;
    using idle = new IdleSignal(clock, idleTimeoutMs, signal);
    const sending = this.#sendRequest(idle);
    const receiving = this.#receiveResponse(idle);
    // The second failure is ignored; the first one is reported.
    sending.catch(() => {});
    receiving.catch(() => {});
    return await Promise.race([receiving, sending.then(() => receiving)]);
  }

  async #sendRequest(idle: IdleSignal): Promise<void> {
    const { framing, head } = this.#request;
    const body = new HttpBodyDecoder(framing);
    let prefix: Uint8Array = head;
    try {
      for (;;) {
        const { payload, rest } = body.decode(this.#rest);
        this.#rest = rest;
        const part = encodeBody(framing, payload, body.done);
        // Set before the write: if the last bytes are lost, there is no answer.
        this.#requestSent = body.done;
        if (!await this.#toTarget(prefixed(prefix, part), idle)) return;
        prefix = NOTHING;
        if (body.done) return;
        const bytes = await this.#client.channel.reader.read(idle.signal);
        if (bytes === undefined) return body.end();
        idle.touch();
        this.#rest = bytes;
      }
    } catch (error) {
      this.clientFailed = true;
      throw error;
    }
  }

  /** Returns `false` if the target accepts no more; it may still answer. */
  async #toTarget(bytes: Uint8Array, idle: IdleSignal): Promise<boolean> {
    try {
      await this.#channel.write(bytes, idle.signal);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      return false;
    }
    idle.touch();
    return true;
  }

  async #receiveResponse(idle: IdleSignal): Promise<ExchangeEnd> {
    const response = await this.#finalResponse(idle);
    if (response.switches) {
      return {
        clientKeepsAlive: false,
        targetKeepsAlive: false,
        rest: this.#rest,
        switched: prefixed(response.head, this.#heads.takeRest()),
      };
    }
    const body = new HttpBodyDecoder(response.framing, "response");
    const { clientFraming } = response;
    let prefix = response.head;
    let bytes = this.#heads.takeRest();
    let surplus: Uint8Array = NOTHING;
    for (;;) {
      const decoded = body.decode(bytes);
      surplus = decoded.rest;
      await this.#toClient(prefix, clientFraming, decoded.payload, body, idle);
      prefix = NOTHING;
      if (body.done) break;
      const next = await this.#fromTarget(idle);
      if (next === undefined) body.end();
      bytes = next ?? NOTHING;
    }
    return {
      clientKeepsAlive: response.clientKeepsAlive,
      // Bytes after the response would be taken for the next response.
      targetKeepsAlive: response.targetKeepsAlive && surplus.length === 0,
      rest: this.#rest,
    };
  }

  async #toClient(
    prefix: Uint8Array,
    framing: HttpFraming,
    payload: Uint8Array,
    body: HttpBodyDecoder,
    idle: IdleSignal,
  ): Promise<void> {
    const bytes = prefixed(prefix, encodeBody(framing, payload, body.done));
    if (bytes.length === 0) return;
    this.answered = true;
    await this.#client.send(bytes, idle.signal);
    idle.touch();
  }

  /** Forwards interim responses, and reads the head of the final one. */
  async #finalResponse(idle: IdleSignal): Promise<ProxyResponse> {
    for (;;) {
      const lines = this.#heads.next();
      if (lines === undefined) {
        const bytes = await this.#fromTarget(idle);
        if (bytes === undefined) throw this.#unanswered();
        this.#heads.push(bytes);
        continue;
      }
      const response = readProxyResponse(
        parseResponseHead(lines),
        this.#request,
        this.#requestSent,
      );
      if (!response.interim) return response;
      // HTTP/1.0 has no interim responses. RFC 9110 §15.2.
      if (this.#request.minorVersion === 0) continue;
      // If this write is interrupted, no other response can follow.
      this.answered = true;
      await this.#client.send(response.head, idle.signal);
      this.answered = false;
    }
  }

  async #fromTarget(idle: IdleSignal): Promise<Uint8Array | undefined> {
    const bytes = await this.#channel.read(idle.signal);
    idle.touch();
    if (bytes !== undefined) this.heard = true;
    return bytes;
  }

  #unanswered(): ProtocolError {
    return new ProtocolError(
      "ERR_HTTP_TRUNCATED",
      this.heard
        ? "Target closed the connection in the middle of a response head"
        : UNANSWERED,
    );
  }
}

function prefixed(prefix: Uint8Array, bytes: Uint8Array): Uint8Array {
  return prefix.length === 0 ? bytes : concat(prefix, bytes);
}
