/**
 * A resolver that is asked over UDP, and over TCP if its answer does not fit or
 * does not arrive.
 *
 * Over UDP, a server that is down is hard to detect. Asking over TCP finds the
 * next server that works, and the UDP flows then use it as well.
 *
 * An answer is accepted only from the resolver, with the id and the question of
 * a pending query, because any host can send to a flow's socket.
 *
 * @module
 */
import type { StopSignal } from "../../on_abort.ts";
import { formatAddress } from "../../codec/address.ts";
import { type DnsQuery, readDnsAnswer } from "../../codec/dns_message.ts";
import { formatIp, parseIp } from "../../codec/ip_address.ts";
import type { Packet } from "../../codec/packet.ts";
import { PolicyError, ProtocolError, UmbraError } from "../../errors.ts";
import { MAX_DNS_CONNECTIONS } from "../../limits.ts";
import type { Endpoint } from "../../transport.ts";
import type { UdpOptions } from "../options.ts";
import { everythingTo, type Outbound } from "../outbound/outbound.ts";
import type { Dependencies } from "../service.ts";
import { flowLimits } from "../udp/flow_share.ts";
import {
  clientAt,
  type FlowOwner,
  OutboundFlows,
} from "../udp/outbound_flows.ts";
import type { UdpReport } from "../udp/udp_report.ts";
import { askOverTcp } from "./dns_tcp.ts";
import type { DnsExchange, DnsUpstream } from "./dns_upstream.ts";
import { answers, PendingQueries } from "./pending_queries.ts";

/** The options of an upstream over UDP. */
export interface PlainUpstreamOptions extends UdpOptions {
  /** The address of the resolver, an IP address. */
  readonly resolver: Endpoint;
  /** The way to the resolver. */
  readonly outbound: Outbound;
  /**
   * A hint that is logged once if no answer ever arrives over UDP; default:
   * none.
   */
  readonly hint?: string;
}

/** An upstream over UDP; see the module. */
export class PlainUpstream implements DnsUpstream {
  readonly #options: PlainUpstreamOptions;
  /** The resolver's address in the notation of packets. */
  readonly #resolver: Endpoint;
  readonly #world: Required<Dependencies>;
  readonly #report: UdpReport;
  readonly #flows: OutboundFlows<FlowOwner>;
  readonly #pending: PendingQueries;
  #overTcp = 0;
  /** True once an answer arrived over UDP, or its absence was logged. */
  #udpJudged = false;

  /**
   * Makes an upstream, which connects when it is asked.
   *
   * @param report Counts datagrams.
   * @throws {RangeError} If the resolver is not an IP address.
   */
  constructor(
    options: PlainUpstreamOptions,
    world: Required<Dependencies>,
    report: UdpReport,
  ) {
    const { host, port } = options.resolver;
    const ip = parseIp(host);
    if (ip === undefined) {
      throw new RangeError(
        "Cannot start DNS: the resolver is not an IP address",
      );
    }
    this.#options = options;
    this.#resolver = { host: formatIp(ip), port };
    this.#world = world;
    this.#report = report;
    this.#pending = new PendingQueries(world.clock);
    this.#flows = new OutboundFlows(
      {
        router: everythingTo(options.outbound),
        inbound: "dns",
        ...flowLimits(options, world),
        deliver: ({ endpoint }, packet, posted) => {
          this.#deliver(endpoint, packet);
          posted();
        },
      },
      world,
      report,
    );
  }

  /** Datagrams that flows lost in their receive queues. */
  get overflown(): number {
    return this.#flows.overflown;
  }

  /** See {@link DnsUpstream.ask}. */
  async ask(
    exchange: DnsExchange,
    signal: StopSignal,
  ): Promise<Uint8Array | undefined> {
    if (exchange.isStream) return await this.#askOverTcp(exchange, signal);
    const { client, message } = exchange;
    const waiting = this.#pending.wait(exchange);
    const packet = { address: this.#resolver, payload: message };
    this.#flows.send(clientAt(client), packet);
    const outcome = await waiting;
    if (outcome === undefined) return undefined;
    if (outcome === "late") {
      this.#doubtUdp();
      return await this.#askOverTcp(exchange, signal);
    }
    if (readDnsAnswer(outcome)?.truncated !== true) return outcome;
    try {
      return await this.#askOverTcp(exchange, signal);
    } catch (error) {
      if (!(error instanceof UmbraError)) throw error;
      this.#report.dropped(error, client.host);
      // The client may repeat the query over TCP itself.
      return outcome;
    }
  }

  /** See {@link DnsUpstream.stop}. */
  stop(): void {
    this.#flows.end();
    this.#pending.clear();
  }

  /** Handles a datagram for a client, which may be an answer. */
  #deliver(client: Endpoint, { address, payload }: Packet): void {
    if (formatAddress(address) !== formatAddress(this.#resolver)) {
      throw new PolicyError(
        "ERR_POLICY_STRANGER",
        "Datagram is not from the resolver",
      );
    }
    this.#udpJudged = true;
    const answer = readDnsAnswer(payload);
    if (
      answer === undefined || !this.#pending.settle(client, answer, payload)
    ) throw malformed("it answers no pending query");
  }

  /** Logs once why every query takes two seconds. */
  #doubtUdp(): void {
    const { hint } = this.#options;
    if (this.#udpJudged || hint === undefined) return;
    this.#udpJudged = true;
    this.#world.logger.log("warn", "no DNS answer over UDP", { reason: hint });
  }

  async #askOverTcp(
    { query, message }: DnsExchange,
    signal: StopSignal,
  ): Promise<Uint8Array> {
    if (this.#overTcp >= MAX_DNS_CONNECTIONS) {
      throw new PolicyError(
        "ERR_POLICY_LIMIT",
        "Too many pending queries over TCP",
      );
    }
    this.#overTcp++;
    try {
      const bytes = await askOverTcp(
        message,
        this.#resolver,
        this.#options.outbound,
        this.#world.clock,
        signal,
      );
      refuseOthers(bytes, query);
      return bytes;
    } finally {
      this.#overTcp--;
    }
  }
}

/**
 * @throws {ProtocolError} `ERR_DNS_MESSAGE` if the message does not answer the
 * query.
 */
export function refuseOthers(message: Uint8Array, query: DnsQuery): void {
  const answer = readDnsAnswer(message);
  if (answer !== undefined && answers(answer, query)) return;
  throw malformed("it answers another query");
}

/** Returns the error of a message that cannot be used. */
export function malformed(reason: string): ProtocolError {
  return new ProtocolError(
    "ERR_DNS_MESSAGE",
    `Cannot use DNS message: ${reason}`,
  );
}
