/**
 * Datagrams through a proxy that sends the client's address: in the first
 * datagram of a session (nginx), or in each datagram (version 2, Cloudflare
 * Spectrum).
 *
 * @module
 */
import {
  hasProxyHeader,
  readProxyHeader,
  readSpectrumHeader,
  SPECTRUM_LENGTH,
} from "../../codec/proxy_header.ts";
import { ProtocolError } from "../../errors.ts";
import { MAX_PROXIED_SESSIONS } from "../../limits.ts";
import { formatAddress } from "../../codec/address.ts";
import { inBlocks } from "../../security/target_policy.ts";
import type { Datagram, Endpoint } from "../../transport.ts";

/** Where answers are sent. */
export interface Way {
  /** The address of the datagrams' sender. */
  readonly to: Endpoint;
  /** The header that is put before each answer. */
  readonly front?: Uint8Array;
}

/** A datagram and its client. */
export interface Introduced {
  readonly client: Endpoint;
  readonly payload: Uint8Array;
  readonly way: Way;
}

/** The proxies of one server. */
export class DatagramProxies {
  readonly #isProxy: (host: string) => boolean;
  /** Clients by the address of their session; the quietest first. */
  readonly #clients = new Map<string, Endpoint>();

  /**
   * @param from Addresses, or `IP/BITS`.
   * @throws {RangeError} If one of them is not an address.
   */
  constructor(from: readonly string[]) {
    this.#isProxy = inBlocks(from);
  }

  /**
   * Finds the client of a datagram.
   *
   * @returns `undefined` if the proxy only checks that the server is up.
   * @throws {ProtocolError} `ERR_PROXY_HEADER` if the proxy sends no valid
   * header.
   */
  introduce({ payload, from }: Datagram): Introduced | undefined {
    const way = { to: from };
    if (!this.#isProxy(from.host)) return { client: from, payload, way };
    if (hasProxyHeader(payload)) {
      const header = readProxyHeader(payload, "datagram");
      if (header === undefined) throw wrong("it is truncated");
      if (header.message.isLocal) return undefined;
      const { client = from } = header.message;
      this.#remember(from, client);
      return { client, payload: payload.subarray(header.length), way };
    }
    const known = this.#clients.get(formatAddress(from));
    if (known !== undefined) {
      this.#remember(from, known);
      return { client: known, payload, way };
    }
    const client = readSpectrumHeader(payload);
    if (client === undefined) throw wrong("it is missing");
    return {
      client,
      payload: payload.subarray(SPECTRUM_LENGTH),
      way: { ...way, front: payload.slice(0, SPECTRUM_LENGTH) },
    };
  }

  #remember(session: Endpoint, client: Endpoint): void {
    const key = formatAddress(session);
    this.#clients.delete(key);
    this.#clients.set(key, client);
    if (this.#clients.size <= MAX_PROXIED_SESSIONS) return;
    const [quietest] = this.#clients.keys();
    this.#clients.delete(quietest!);
  }
}

function wrong(what: string): ProtocolError {
  return new ProtocolError(
    "ERR_PROXY_HEADER",
    `Cannot read the PROXY header of a datagram: ${what}`,
  );
}
