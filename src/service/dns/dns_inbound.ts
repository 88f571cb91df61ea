/**
 * A DNS port of this machine whose questions are asked by the server: so no
 * name leaks. UDP to the resolver, TCP where its answer does not fit or does
 * not come, and a small cache that honours TTLs.
 *
 * Of several servers one is in use. UDP tells nothing of a server that is
 * gone; asking over TCP then finds the next one that can be reached, and UDP
 * goes there from then on.
 *
 * An answer counts only when it comes from the resolver and has the id and the
 * question of a query under way: a flow's socket is open to everybody.
 *
 * @module
 */
import { abortable, Deadline } from "../../clock.ts";
import { formatAddress } from "../../codec/address.ts";
import { equalBytes } from "../../bytes.ts";
import {
  agedAnswer,
  type DnsAnswer,
  type DnsQuery,
  readDnsAnswer,
  readDnsQuery,
  truncatedAnswer,
} from "../../codec/dns_message.ts";
import { formatIp, parseIp } from "../../codec/ip_address.ts";
import type { Packet } from "../../codec/packet.ts";
import { detach } from "../../defect.ts";
import { PolicyError, ProtocolError, UmbraError } from "../../errors.ts";
import {
  DNS_CONNECT_TIMEOUT_MS,
  DNS_TCP_TIMEOUT_MS,
  MAX_DNS_CONNECTIONS,
  MAX_DNS_QUERY_LENGTH,
} from "../../limits.ts";
import { ByteReader } from "../../streams/byte_reader.ts";
import { ByteWriter } from "../../streams/byte_writer.ts";
import type {
  Connection,
  Datagram,
  DatagramSocket,
  Endpoint,
} from "../../transport.ts";
import { serve } from "../accept_loop.ts";
import { DnsCache } from "./dns_cache.ts";
import { askOverTcp, frameMessage, MessageReader } from "./dns_tcp.ts";
import { bindPort } from "../udp/late_socket.ts";
import {
  answers,
  PendingQueries,
  type PendingQuery,
} from "./pending_queries.ts";
import { type Dependencies, type Service, withDefaults } from "../service.ts";
import { UdpReport } from "../udp/udp_report.ts";
import { besideListener, joined } from "../both_networks.ts";
import { flowLimits } from "../udp/flow_share.ts";
import { serveDatagrams } from "../udp/receive_loop.ts";
import {
  FirstThatAnswers,
  throughServers,
} from "../outbound/first_that_answers.ts";
import { everythingTo, type Outbound } from "../outbound/outbound.ts";
import type { UpstreamServer } from "../outbound/shadowsocks.ts";
import {
  clientAt,
  type FlowOwner,
  OutboundFlows,
} from "../udp/outbound_flows.ts";
import { SERVICE_DEFAULTS, type UdpOptions } from "../options.ts";

/** How to run a DNS inbound. */
export interface DnsOptions extends Partial<UdpOptions> {
  /** Where programs ask, over UDP and TCP. */
  readonly listen: Endpoint;
  /** Whom the server asks: an IP address. */
  readonly resolver: Endpoint;
  /** At least one; the next one asks it when one cannot be reached. */
  readonly servers: readonly UpstreamServer[];
}

/** A running DNS inbound. */
export interface DnsService extends Service {
  /**
   * Lets other servers ask from now on.
   *
   * @throws {RangeError} When there is none; nothing has changed then.
   */
  setServers(servers: readonly UpstreamServer[]): void;
}

/**
 * Starts a DNS inbound.
 *
 * @throws {RangeError} When the resolver is no IP address, or there is no
 * server.
 * @throws {TransportError} When it cannot listen or bind.
 */
export async function startDns(
  options: DnsOptions,
  dependencies: Dependencies,
): Promise<DnsService> {
  const ip = parseIp(options.resolver.host);
  if (ip === undefined) {
    throw new RangeError("Cannot start DNS: the resolver is no IP address");
  }
  const world = withDefaults(dependencies);
  const listener = await world.transport.listen(options.listen);
  const socket = await besideListener(
    listener,
    () => bindPort(listener.address, world),
  );
  // As the addresses of packets are written.
  const resolver = { host: formatIp(ip), port: options.resolver.port };
  const dns = new DnsInbound(
    { ...SERVICE_DEFAULTS, ...options, resolver },
    socket,
    world,
  );
  const udp = serveDatagrams(
    socket,
    (datagram) => dns.handle(datagram),
    () => dns.stop(),
    world,
  );
  const tcp = serve(
    listener,
    { maxConnections: MAX_DNS_CONNECTIONS },
    ({ connection }, signal) => dns.handleConnection(connection, signal),
    world,
  );
  const service = joined(tcp, udp);
  return {
    address: service.address,
    stop: (graceMs) => service.stop(graceMs),
    setServers: (servers) => dns.setServers(servers),
  };
}

class DnsInbound {
  readonly #options: Required<DnsOptions>;
  readonly #servers: FirstThatAnswers;
  readonly #socket: DatagramSocket;
  readonly #world: Required<Dependencies>;
  readonly #report: UdpReport;
  readonly #flows: OutboundFlows<FlowOwner>;
  readonly #cache: DnsCache;
  readonly #pending: PendingQueries;
  readonly #stopped = new AbortController();
  #overTcp = 0;
  /** Whether something has come over UDP, or its absence was told. */
  #udpJudged = false;

  constructor(
    options: Required<DnsOptions>,
    socket: DatagramSocket,
    world: Required<Dependencies>,
  ) {
    this.#options = options;
    this.#world = world;
    this.#servers = new FirstThatAnswers(this.#through(options.servers), world);
    this.#socket = socket;
    this.#report = new UdpReport(world);
    this.#cache = new DnsCache(world.clock);
    this.#pending = new PendingQueries(
      world.clock,
      (pending) => {
        this.#doubtUdp();
        detach(this.#retry(pending), "DNS query", world);
      },
    );
    this.#flows = new OutboundFlows(
      {
        router: everythingTo(this.#servers),
        inbound: "dns",
        ...flowLimits(options, world),
        deliver: ({ endpoint }, packet) => this.#deliver(endpoint, packet),
      },
      world,
      this.#report,
    );
  }

  setServers(servers: readonly UpstreamServer[]): void {
    this.#servers.replace(this.#through(servers));
  }

  /** Takes what a program has asked over UDP. */
  handle({ payload, from }: Datagram): void {
    this.#report.received();
    try {
      const query = this.#readQuery(payload);
      const cached = this.#cached(query);
      if (cached !== undefined) {
        detach(this.#reply(from, query, cached), "DNS answer", this.#world);
        return;
      }
      this.#pending.add({ client: from, query, message: payload });
      const packet = { address: this.#options.resolver, payload };
      const sent = this.#flows.send(clientAt(from), packet);
      detach(sent, "DNS query", this.#world);
    } catch (error) {
      this.#report.dropped(error, from.host);
    }
  }

  /** Answers what a program asks over TCP, one query after the other. */
  async handleConnection(
    client: Connection,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, logger } = this.#world;
    const reader = new ByteReader(client);
    const writer = new ByteWriter(client);
    const patience = (): Deadline =>
      new Deadline(clock, {
        delayMs: DNS_TCP_TIMEOUT_MS,
        code: "ERR_NET_IDLE",
        parent: signal,
      });
    const messages = new MessageReader(async () => {
      using idle = patience();
      return await reader.read(idle.signal);
    }, MAX_DNS_QUERY_LENGTH);
    try {
      for (let message; (message = await messages.next());) {
        const query = this.#readQuery(message);
        const answer = this.#cached(query) ??
          await this.#ask(query, message, signal);
        using idle = patience();
        await abortable(writer.write(frameMessage(answer)), idle.signal);
      }
    } catch (error) {
      if (!(error instanceof UmbraError)) throw error;
      logger.log("debug", "DNS connection ended", {
        client: client.remote.host,
        code: error.code,
        reason: error.message,
      });
    }
  }

  /** Ends every query. */
  stop(): void {
    this.#stopped.abort();
    this.#flows.end();
    this.#pending.clear();
    this.#report.close(this.#flows.overflown + this.#socket.dropped);
  }

  /** Something came from the server for a client: an answer, or not. */
  async #deliver(
    client: Endpoint,
    { address, payload }: Packet,
  ): Promise<void> {
    const { resolver } = this.#options;
    if (formatAddress(address) !== formatAddress(resolver)) {
      throw new PolicyError("ERR_POLICY_STRANGER", "Not from the resolver");
    }
    this.#udpJudged = true;
    const answer = readDnsAnswer(payload);
    const pending = answer && this.#pending.take(client, answer);
    if (pending === undefined) {
      throw malformed("it answers no query under way");
    }
    if (answer!.truncated) {
      // The client's other answers need not wait for it.
      detach(this.#retry(pending, payload), "DNS query", this.#world);
      return;
    }
    const { query } = pending;
    this.#keep(query, answer!, payload);
    await this.#reply(client, query, payload);
  }

  /** Tells once why every query takes two seconds. */
  #doubtUdp(): void {
    if (this.#udpJudged) return;
    this.#udpJudged = true;
    this.#world.logger.log("warn", "no DNS answer over UDP", {
      reason: "Queries wait for one and are then asked over TCP: start the " +
        "server with -u, and open its port for UDP; `umbra doctor -u` tells " +
        "more",
    });
  }

  /**
   * Asks again over TCP; if that fails, the client may try.
   *
   * @param truncated What came instead of an answer, if anything did.
   */
  async #retry(
    { client, query, message }: PendingQuery,
    truncated?: Uint8Array,
  ): Promise<void> {
    let answer = truncated;
    try {
      answer = await this.#ask(query, message, this.#stopped.signal);
    } catch (error) {
      this.#report.dropped(error, client.host);
    }
    if (answer !== undefined) await this.#reply(client, query, answer);
  }

  async #ask(
    query: DnsQuery,
    message: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { resolver } = this.#options;
    if (this.#overTcp >= MAX_DNS_CONNECTIONS) {
      throw new PolicyError("ERR_POLICY_LIMIT", "Too many queries over TCP");
    }
    const { current } = this.#servers;
    this.#overTcp++;
    try {
      const bytes = await askOverTcp(
        message,
        resolver,
        this.#servers,
        this.#world.clock,
        signal,
      );
      const answer = readDnsAnswer(bytes);
      if (answer === undefined || !answers(answer, query)) {
        throw malformed("it answers another query");
      }
      this.#keep(query, answer, bytes);
      return bytes;
    } finally {
      this.#overTcp--;
      // Another server is in use: what leads to the one before is of no use.
      if (this.#servers.current !== current) this.#flows.end();
    }
  }

  async #reply(
    client: Endpoint,
    query: DnsQuery,
    answer: Uint8Array,
  ): Promise<void> {
    try {
      const bytes = answer.length <= query.maxBytes
        ? answer
        : truncatedAnswer(answer, query);
      await this.#socket.send(bytes, client);
    } catch (error) {
      this.#report.dropped(error, client.host);
    }
  }

  #through(servers: readonly UpstreamServer[]): Outbound[] {
    return throughServers(servers, DNS_CONNECT_TIMEOUT_MS, this.#world);
  }

  #readQuery(message: Uint8Array): DnsQuery {
    const query = message.length <= MAX_DNS_QUERY_LENGTH
      ? readDnsQuery(message)
      : undefined;
    if (query === undefined) throw malformed("it is no query");
    return query;
  }

  #cached(query: DnsQuery): Uint8Array | undefined {
    const found = this.#cache.get(query.key);
    return found && agedAnswer(found.answer, query, found.ageSeconds);
  }

  /**
   * Who asks in mixed case tells forgeries by it; an answer in another case is
   * for that client to judge, and not for others.
   */
  #keep(query: DnsQuery, answer: DnsAnswer, bytes: Uint8Array): void {
    if (!equalBytes(answer.question, query.question)) return;
    this.#cache.set(query.key, bytes, answer.ttlSeconds);
  }
}

function malformed(reason: string): ProtocolError {
  return new ProtocolError(
    "ERR_DNS_MESSAGE",
    `Cannot use DNS message: ${reason}`,
  );
}
