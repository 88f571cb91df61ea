/**
 * Datagrams that come through a proxy which names their client: in front of the
 * first one of a session (nginx), or of each (version 2, Cloudflare Spectrum).
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

/** The way of answers. */
export interface Way {
  /** The address of the datagrams. */
  readonly to: Endpoint;
  /** The header in front of each datagram. */
  readonly front?: Uint8Array;
}

/** A datagram, and whose it is. */
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
   * @throws {RangeError} When one of them is none.
   */
  constructor(from: readonly string[]) {
    this.#isProxy = inBlocks(from);
  }

  /**
   * Finds the owner of a datagram.
   *
   * @returns `undefined` where a proxy only asks whether we are there.
   * @throws {ProtocolError} `ERR_PROXY_HEADER` when a proxy does not say.
   */
  introduce({ payload, from }: Datagram): Introduced | undefined {
    const way = { to: from };
    if (!this.#isProxy(from.host)) return { client: from, payload, way };
    if (hasProxyHeader(payload)) {
      const header = readProxyHeader(payload, "datagram");
      if (header === undefined) throw wrong("it is cut off");
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
    if (client === undefined) throw wrong("there is none");
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
