/**
 * The HTTP proxy of `ss-local`. CONNECT and upgrades such as WebSocket become a
 * relay. Other requests are forwarded one after the other, and the connection
 * to a target is reused while requests go to the same target.
 *
 * @module
 */
import { NOTHING } from "../../bytes.ts";
import type { Channel } from "../../streams/channel.ts";
import { Deadline } from "../../clock.ts";
import { formatAddress } from "../../codec/address.ts";
import { HttpBodyDecoder } from "../../codec/http_body.ts";
import { HttpHeadReader, parseRequestHead } from "../../codec/http_head.ts";
import {
  ProtocolError,
  type TransportErrorCode,
  UmbraError,
} from "../../errors.ts";
import { MAX_HTTP_REFUSED_BODY } from "../../limits.ts";
import {
  hasBody,
  type HttpConnect,
  type HttpForward,
  readProxyRequest,
} from "../../session/http/request.ts";
import {
  CONNECTED,
  encodeAnswer,
  isRepeatable,
  requestErrorStatus,
  statusOf,
} from "../../session/http/response.ts";
import { HttpExchange } from "./http_exchange.ts";
import type { InboundClient, InboundRequest } from "./inbound.ts";

/**
 * Serves requests until one of them is CONNECT, or a target accepts an upgrade.
 *
 * @param first Bytes already read from the client; default: none.
 * @returns That request; `undefined` if the connection is finished.
 * @throws {UmbraError} After the client was answered, if that was possible.
 */
export async function acceptHttp(
  client: InboundClient,
  first: Uint8Array = NOTHING,
): Promise<InboundRequest | undefined> {
  using connection = new HttpConnection(client, first);
  return await connection.serve();
}

/** A channel that can be reused. */
interface IdleChannel {
  readonly channel: Channel;
  /** The target as text, by which targets are compared. */
  readonly target: string;
}

class HttpConnection implements Disposable {
  readonly #client: InboundClient;
  readonly #heads = new HttpHeadReader();
  /** The channel of the last request, if it can be reused. */
  #idle: IdleChannel | undefined;
  #isFirst = true;

  constructor(client: InboundClient, first: Uint8Array) {
    this.#client = client;
    this.#heads.push(first);
  }

  async serve(): Promise<InboundRequest | undefined> {
    for (;;) {
      const request = await this.#nextRequest();
      if (request === undefined) return undefined;
      if (!this.#isAllowed(request)) {
        await this.#demandPassword(request);
      } else if (request.kind === "connect") {
        return {
          kind: "connect",
          address: request.address,
          payload: this.#heads.takeRest(),
          accept: () => CONNECTED,
          refuse: (code) => encodeAnswer(statusOf(code), { keepAlive: false }),
        };
      } else {
        const next = await this.#forward(request);
        if (typeof next === "object") return next;
        if (!next) return undefined;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#idle?.channel.close();
  }

  /** Returns the next request; `undefined` if the client left before it. */
  async #nextRequest(): Promise<HttpConnect | HttpForward | undefined> {
    try {
      const lines = await this.#readHead();
      if (lines === undefined) return undefined;
      const head = parseRequestHead(lines);
      const pac = this.#client.pac?.(head);
      if (pac === undefined) return readProxyRequest(head);
      await this.#client.send(pac);
      return undefined;
    } catch (error) {
      if (error instanceof ProtocolError) {
        const status = requestErrorStatus(error.code);
        await this.#client.send(encodeAnswer(status, { keepAlive: false }));
      }
      throw error;
    }
  }

  async #readHead(): Promise<string[] | undefined> {
    const { handshakeTimeoutMs, idleTimeoutMs } = this.#client;
    let lines = this.#heads.next();
    if (lines === undefined && this.#heads.empty) {
      using wait = this.#isFirst
        ? this.#deadline(handshakeTimeoutMs, "ERR_NET_TIMEOUT")
        : this.#deadline(idleTimeoutMs, "ERR_NET_IDLE");
      while (this.#heads.empty) {
        if (!await this.#receive(wait)) return undefined;
        lines = this.#heads.next();
        if (lines !== undefined) break;
      }
    }
    this.#isFirst = false;
    using wait = this.#deadline(handshakeTimeoutMs, "ERR_NET_TIMEOUT");
    while (lines === undefined) {
      if (!await this.#receive(wait)) {
        throw new ProtocolError(
          "ERR_HTTP_TRUNCATED",
          "Application closed in the middle of a request head",
        );
      }
      lines = this.#heads.next();
    }
    return lines;
  }

  /** Returns `false` once the client has ended its side. */
  async #receive(wait: Deadline): Promise<boolean> {
    const bytes = await this.#client.channel.reader.read(wait.signal);
    if (bytes !== undefined) this.#heads.push(bytes);
    return bytes !== undefined;
  }

  #deadline(delayMs: number, code: TransportErrorCode): Deadline {
    const { clock, signal } = this.#client;
    return new Deadline(clock, { delayMs, code, parent: signal });
  }

  #isAllowed({ credentials }: HttpConnect | HttpForward): boolean {
    const { authenticate } = this.#client;
    return authenticate === undefined ||
      credentials !== undefined && authenticate(credentials) !== undefined;
  }

  /** Answers 407. The client may try again on the same connection. */
  async #demandPassword(request: HttpConnect | HttpForward): Promise<void> {
    const error = new ProtocolError(
      "ERR_HTTP_AUTHENTICATION",
      request.credentials === undefined
        ? "Application gave no user name and password"
        : "Application gave a wrong user name or password",
    );
    // Bytes after a CONNECT are not the next request.
    const isTunnel = request.kind === "connect" && !this.#heads.empty;
    // A first request without credentials is how the scheme works, and not
    // logged.
    const isNews = request.credentials !== undefined;
    await this.#refuse(request, error, { mayKeep: !isTunnel, isNews });
  }

  /**
   * Answers with an error instead of the target's answer.
   *
   * @throws The error, if the connection cannot be reused.
   */
  async #refuse(
    request: HttpConnect | HttpForward,
    error: UmbraError,
    { mayKeep = true, isNews = true } = {},
  ): Promise<void> {
    const { framing, method, minorVersion } = request;
    const isShort = !hasBody(framing) ||
      framing.kind === "length" && framing.length <= MAX_HTTP_REFUSED_BODY &&
        !request.expectsContinue;
    const keepAlive = mayKeep && request.keepAlive && isShort;
    await this.#client.send(
      encodeAnswer(statusOf(error.code), { keepAlive, method, minorVersion }),
    );
    if (!keepAlive) throw error;
    if (isNews) this.#client.refused(error);
    await this.#discardBody(request);
  }

  async #discardBody(
    { framing }: HttpConnect | HttpForward,
  ): Promise<void> {
    if (!hasBody(framing)) return;
    using wait = this.#deadline(
      this.#client.handshakeTimeoutMs,
      "ERR_NET_TIMEOUT",
    );
    const body = new HttpBodyDecoder(framing);
    let { rest } = body.decode(this.#heads.takeRest());
    while (!body.done) {
      const bytes = await this.#client.channel.reader.read(wait.signal);
      if (bytes === undefined) return body.end();
      ({ rest } = body.decode(bytes));
    }
    this.#heads.push(rest);
  }

  /**
   * @returns True if the client's connection can be reused; a request to relay
   * after an upgrade.
   */
  async #forward(request: HttpForward): Promise<boolean | InboundRequest> {
    const reused = this.#takeIdle(request);
    if (reused !== undefined) {
      const next = await this.#exchange(request, reused, true);
      if (next !== undefined) return next;
    }
    let channel: Channel;
    try {
      channel = await this.#client.open(request.address);
    } catch (error) {
      if (!(error instanceof UmbraError) || this.#client.signal.aborted) {
        throw error;
      }
      await this.#refuse(request, error);
      return true;
    }
    return await this.#exchange(request, channel, false) ?? false;
  }

  /**
   * Returns the channel of the last request, if it leads to the same target.
   */
  #takeIdle({ address }: HttpForward): Channel | undefined {
    const idle = this.#idle;
    this.#idle = undefined;
    if (idle === undefined) return undefined;
    const { channel, target } = idle;
    if (!channel.stale && target === formatAddress(address)) return channel;
    channel.close();
    return undefined;
  }

  /**
   * @param mayRepeat True if the target may have closed the reused connection
   * just now; the request is then repeated on a new one.
   * @returns As `#forward()`; `undefined` if the request must be repeated.
   */
  async #exchange(
    request: HttpForward,
    channel: Channel,
    mayRepeat: boolean,
  ): Promise<boolean | InboundRequest | undefined> {
    const { signal } = this.#client;
    const rest = this.#heads.takeRest();
    const exchange = new HttpExchange(this.#client, channel, request, rest);
    try {
      const end = await exchange.run();
      const { rest: payload, switched } = end;
      if (switched !== undefined) {
        const { address } = request;
        return {
          ...{ kind: "connect", address, payload, channel },
          accept: () => switched,
          // The target is connected, so the request cannot be refused any more.
          refuse: () => new Uint8Array(0),
        };
      }
      this.#heads.push(end.rest);
      if (end.clientKeepsAlive && end.targetKeepsAlive) {
        channel.watch();
        const target = formatAddress(request.address);
        this.#idle = { channel, target };
      } else channel.close();
      return end.clientKeepsAlive;
    } catch (error) {
      channel.cut();
      // A second answer would be taken for the rest of the first one.
      if (exchange.answered) this.#client.cut();
      if (!(error instanceof UmbraError) || exchange.answered) throw error;
      if (signal.aborted) throw error;
      if (exchange.clientFailed) {
        if (!(error instanceof ProtocolError)) throw error;
        const status = requestErrorStatus(error.code);
        await this.#client.send(encodeAnswer(status, { keepAlive: false }));
        throw error;
      }
      if (mayRepeat && !exchange.heard && isRepeatable(request)) {
        this.#heads.push(rest);
        return undefined;
      }
      const { method, minorVersion } = request;
      await this.#client.send(
        encodeAnswer(statusOf(error.code), {
          keepAlive: false,
          method,
          minorVersion,
          heard: exchange.heard,
        }),
      );
      throw error;
    }
  }
}
