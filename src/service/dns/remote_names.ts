/**
 * Resolves names for rules through a server, so that they are not sent to the
 * local network.
 *
 * @module
 */
import type { StopSignal } from "../../on_abort.ts";
import { readU16 } from "../../bytes.ts";
import { readDnsQuery } from "../../codec/dns_message.ts";
import {
  addressesIn,
  addressQuery,
  DNS_TYPE,
} from "../../codec/dns_records.ts";
import { formatIp } from "../../codec/ip_address.ts";
import { TransportError } from "../../errors.ts";
import type { WaitOptions } from "../../transport.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { Dependencies } from "../service.ts";
import { DnsClient } from "./dns_client.ts";
import type { DnsResolver } from "./dns_resolver.ts";
import { StreamUpstream } from "./stream_upstream.ts";

/** Asks one resolver over TCP connections, so that the server needs no UDP. */
export class RemoteNames {
  readonly #client: DnsClient;
  readonly #world: Required<Dependencies>;

  /** @param outbound The way to the resolver. */
  constructor(
    resolver: DnsResolver,
    outbound: Outbound,
    world: Required<Dependencies>,
  ) {
    const upstream = new StreamUpstream(resolver, outbound, world);
    this.#client = new DnsClient(new Map([[WAY, upstream]]), world.clock);
    this.#world = world;
  }

  /**
   * Resolves a name, as `Transport.resolve` does.
   *
   * @throws {TransportError} `ERR_NET_NAME_NOT_FOUND`, or another code if the
   * resolver cannot be asked.
   */
  async resolve(
    name: string,
    { signal = NEVER }: WaitOptions = {},
  ): Promise<string[]> {
    const found = await Promise.all([
      this.#ask(name, DNS_TYPE.a, signal),
      this.#ask(name, DNS_TYPE.aaaa, signal),
    ]);
    const ips = found.flat().map(formatIp);
    if (ips.length > 0) return ips;
    throw new TransportError("ERR_NET_NAME_NOT_FOUND", "Name has no address");
  }

  /** Ends pending queries. Idempotent. */
  stop(): void {
    this.#client.stop();
  }

  async #ask(
    name: string,
    type: number,
    signal: StopSignal,
  ): Promise<readonly Uint8Array[]> {
    const id = readU16(this.#world.randomBytes(2), 0);
    const message = addressQuery(id, name, type);
    const query = message && readDnsQuery(message);
    if (query === undefined) return [];
    const exchange = { client: HERE, query, message: message!, isStream: true };
    const bytes = await this.#client.ask(WAY, exchange, signal);
    return bytes === undefined
      ? []
      : addressesIn(bytes, query.question).addresses;
  }
}

const WAY = "proxy";

/** All queries have the same client. */
const HERE = { host: "0.0.0.0", port: 0 };

const NEVER = new AbortController().signal;
