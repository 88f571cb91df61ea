/**
 * A DNS port on this machine. Names that are reached through a server are
 * resolved through it, so that they do not leak; routes may choose another
 * resolver for a name, or block it.
 *
 * @module
 */
import { abortable, Deadline } from "../../clock.ts";
import { formatAddress } from "../../codec/address.ts";
import {
  type DnsQuery,
  readDnsQuery,
  truncatedAnswer,
} from "../../codec/dns_message.ts";
import { detach } from "../../defect.ts";
import { faultOf, UmbraError } from "../../errors.ts";
import {
  DNS_CONNECT_TIMEOUT_MS,
  DNS_TCP_TIMEOUT_MS,
  MAX_DNS_CONNECTIONS,
  MAX_DNS_QUERY_LENGTH,
} from "../../limits.ts";
import { anyTarget } from "../../security/target_policy.ts";
import { ByteReader } from "../../streams/byte_reader.ts";
import { ByteWriter } from "../../streams/byte_writer.ts";
import type {
  Connection,
  Datagram,
  DatagramSocket,
  Endpoint,
} from "../../transport.ts";
import { serve } from "../accept_loop.ts";
import { besideListener, joined } from "../both_networks.ts";
import { SERVICE_DEFAULTS, type UdpOptions } from "../options.ts";
import { partsOf } from "../outbound/servers/parts.ts";
import { Direct } from "../outbound/direct.ts";
import type { Outbound } from "../outbound/outbound.ts";
import { ServerGroup } from "../outbound/servers/server_group.ts";
import type { UpstreamServer } from "../outbound/shadowsocks.ts";
import type { LocalRoutes } from "../routing/rule_router.ts";
import { type Dependencies, type Service, withDefaults } from "../service.ts";
import { bindPort } from "../udp/late_socket.ts";
import { serveDatagrams } from "../udp/receive_loop.ts";
import { UdpReport } from "../udp/udp_report.ts";
import { DnsAnswers } from "./dns_answers.ts";
import { DnsClient } from "./dns_client.ts";
import { frameMessage, MessageReader } from "./dns_tcp.ts";
import { type DnsResolver, formatResolver } from "./dns_resolver.ts";
import type { DnsStatus } from "./dns_status.ts";
import type { DnsExchange, DnsUpstream } from "./dns_upstream.ts";
import { LocalNames } from "./local_names.ts";
import { malformed, PlainUpstream } from "./plain_upstream.ts";
import { StreamUpstream } from "./stream_upstream.ts";
import { ReverseNames } from "./reverse_names.ts";

/** The options of a DNS inbound. */
export interface DnsOptions extends Partial<UdpOptions> {
  /** The address to listen on, over UDP and TCP. */
  readonly listen: Endpoint;
  /** The resolver that is asked through the server. */
  readonly resolver: DnsResolver;
  /**
   * The resolver, an IP address, that this machine asks for names that are
   * routed `direct`; default: none.
   */
  readonly direct?: DnsResolver | undefined;
  /**
   * Returns the direct resolver of another network of this machine; `undefined`
   * if there is none. Default: the direct resolver stays.
   */
  readonly directNow?: (() => DnsResolver | undefined) | undefined;
  /** The servers, at least one. If one fails, the next one is used. */
  readonly servers: readonly UpstreamServer[];
  /** The group that the servers belong to, if the caller owns it. */
  readonly group?: ServerGroup | undefined;
  /** The routes of names; default: all go through a server. */
  readonly routes?: LocalRoutes | undefined;
  /** Records the answers, for locals; default: they are not recorded. */
  readonly names?: LocalNames | undefined;
  /** Names that are always resolved directly, despite the routes. */
  readonly ownNames?: readonly string[];
  /** True for names that never get a made-up address; default: none. */
  readonly isTrue?: (name: string) => boolean;
}

/** A running DNS inbound. */
export interface DnsService extends Service {
  /**
   * Replaces the servers.
   *
   * @throws {RangeError} If there is none; nothing has changed then.
   */
  setServers(servers: readonly UpstreamServer[]): void;
  /**
   * Replaces the routes.
   *
   * @param routes Default: all names go through a server.
   */
  setRoutes(routes?: LocalRoutes): void;
  /** The present status. */
  readonly status: DnsStatus;
  /** Replaces the names that are always resolved directly. */
  setOwnNames(names: readonly string[]): void;
}

/**
 * Starts a DNS inbound.
 *
 * @throws {RangeError} If a resolver is not an IP address, there is no server,
 * or routes need a direct resolver that is not set.
 * @throws {TransportError} If it cannot listen or bind.
 */
export async function startDns(
  options: DnsOptions,
  dependencies: Dependencies,
): Promise<DnsService> {
  const world = withDefaults(dependencies);
  checkRoutes(options, options.routes);
  const report = new UdpReport(world);
  const group = options.group ?? new ServerGroup(
    options.servers,
    { connectTimeoutMs: DNS_CONNECT_TIMEOUT_MS },
    world,
  );
  const resolvers = new Resolvers(options, group, report, world);
  const listener = await world.transport.listen(options.listen);
  const socket = await besideListener(
    listener,
    () => bindPort(listener.address, world),
  );
  const client = new DnsClient(resolvers.by(options.routes), world.clock);
  const { routes, ownNames = [] } = options;
  let own = new Set(ownNames);
  const names = options.names ?? new LocalNames(new ReverseNames(world.clock));
  const answers = new DnsAnswers({
    client,
    names,
    inbound: formatAddress(listener.address),
    isOwn: (name) => own.has(name),
    isTrue: options.isTrue ?? (() => false),
  }, routes?.table);
  const dns = new DnsInbound(answers, socket, report, world);
  let present = routes;
  // Another network may have another resolver, with other answers.
  const leaveNetwork = world.networkChanges.onChange(() => {
    if (resolvers.follow(options.directNow?.())) {
      client.use(resolvers.by(present));
    }
    client.forget("direct");
  });
  const stop = (): void => {
    leaveNetwork();
    dns.stop();
    client.stop();
    if (options.group === undefined) group.stop();
    report.close(resolvers.overflown + socket.dropped);
  };
  const udp = serveDatagrams(
    socket,
    (datagram) => dns.handle(datagram),
    stop,
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
    get status(): DnsStatus {
      const { resolver } = options;
      const { near: direct = resolver } = resolvers;
      return {
        address: formatAddress(service.address),
        ways: client.counts.map(([way, counts]) => ({
          way,
          resolver: formatResolver(way === "direct" ? direct : resolver),
          ...counts,
        })),
        answers: client.answers,
        names: names.known,
        ...names.fake && { madeUp: names.fake.size },
      };
    },
    setServers: (servers) => group.replace(servers),
    setRoutes: (routes) => {
      checkRoutes(options, routes);
      present = routes;
      client.use(resolvers.by(routes));
      answers.setRoutes(routes?.table);
    },
    setOwnNames: (names) => {
      own = new Set(names);
    },
  };
}

/** @throws {RangeError} If routes need a resolver that is not set. */
function checkRoutes(
  { direct }: DnsOptions,
  routes: LocalRoutes | undefined,
): void {
  if (routes === undefined || direct !== undefined) return;
  throw new RangeError(
    "Cannot answer DNS by routes: there is no resolver for direct routes",
  );
}

const NO_UDP =
  "Each query waits for it and is then repeated over TCP: start the server " +
  "with -u and open its port for UDP; run `umbra doctor -u` to check";

/** The resolvers by route. */
class Resolvers {
  readonly #options: DnsOptions;
  readonly #group: ServerGroup;
  readonly #report: UdpReport;
  readonly #world: Required<Dependencies>;
  readonly #direct: Direct;
  #lasting: readonly (readonly [string, DnsUpstream])[];
  /** The direct resolver; not set if there is none. */
  near: DnsResolver | undefined;
  /** Resolvers of the servers and groups in the present routes. */
  #named: readonly (readonly [string, DnsUpstream])[] = [];
  /** Datagrams that resolvers of earlier routes lost. */
  #lost = 0;

  /** @throws {RangeError} If a resolver is not an IP address. */
  constructor(
    options: DnsOptions,
    group: ServerGroup,
    report: UdpReport,
    world: Required<Dependencies>,
  ) {
    const { resolver, direct: near } = options;
    this.near = near;
    this.#options = options;
    this.#group = group;
    this.#report = report;
    this.#world = world;
    this.#direct = new Direct({
      policy: anyTarget,
      connectTimeoutMs: DNS_CONNECT_TIMEOUT_MS,
    }, world);
    this.#lasting = [
      ["proxy", this.#asking(resolver, group, NO_UDP)],
      ...near === undefined
        ? []
        : [["direct", this.#asking(near, this.#direct)] as const],
    ];
  }

  /**
   * Replaces the direct resolver, if there is one and the new one is another.
   *
   * @returns True if it was replaced.
   */
  follow(next: DnsResolver | undefined): boolean {
    const { near } = this;
    if (near === undefined || next === undefined) return false;
    if (formatResolver(near) === formatResolver(next)) return false;
    this.near = next;
    this.#lasting = this.#lasting.map(([way, upstream]) => {
      if (way !== "direct") return [way, upstream];
      this.#lost += upstream.overflown;
      return [way, this.#asking(next, this.#direct)];
    });
    this.#world.logger.log(
      "info",
      "direct names are asked of another resolver",
      {
        resolver: formatResolver(next),
      },
    );
    return true;
  }

  /** Datagrams that were lost in the receive queues of flows. */
  get overflown(): number {
    return [...this.#lasting, ...this.#named].reduce(
      (sum, [, { overflown }]) => sum + overflown,
      this.#lost,
    );
  }

  /** Returns the resolvers of all routes; the caller stops them. */
  by(routes: LocalRoutes | undefined): Map<string, DnsUpstream> {
    const { resolver } = this.#options;
    for (const [, { overflown }] of this.#named) this.#lost += overflown;
    this.#named = routes === undefined
      ? []
      : partsOf(this.#group, routes).map(([way, part]) =>
        [way, this.#asking(resolver, part, NO_UDP)] as const
      );
    return new Map([...this.#lasting, ...this.#named]);
  }

  #asking(
    resolver: DnsResolver,
    outbound: Outbound,
    hint?: string,
  ): DnsUpstream {
    if (resolver.protocol !== undefined) {
      return new StreamUpstream(resolver, outbound, this.#world);
    }
    return new PlainUpstream(
      {
        ...{ ...SERVICE_DEFAULTS, ...this.#options },
        resolver,
        outbound,
        ...hint && { hint },
      },
      this.#world,
      this.#report,
    );
  }
}

class DnsInbound {
  readonly #answers: DnsAnswers;
  readonly #socket: DatagramSocket;
  readonly #report: UdpReport;
  readonly #world: Required<Dependencies>;
  readonly #stopped = new AbortController();

  constructor(
    answers: DnsAnswers,
    socket: DatagramSocket,
    report: UdpReport,
    world: Required<Dependencies>,
  ) {
    this.#answers = answers;
    this.#socket = socket;
    this.#report = report;
    this.#world = world;
  }

  /** Handles a query over UDP. */
  handle({ payload, from }: Datagram): void {
    this.#report.received();
    try {
      const query = readQuery(payload);
      detach(
        this.#answer({ client: from, query, message: payload }),
        "DNS query",
        this.#world,
      );
    } catch (error) {
      this.#report.dropped(error, from.host);
    }
  }

  /** Answers the queries of a TCP connection, one after the other. */
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
        const query = readQuery(message);
        const exchange = { client: client.remote, query, message };
        const answer = await this.#answers.answer(
          { ...exchange, isStream: true },
          signal,
        );
        if (answer === undefined) throw malformed("the same query is pending");
        using idle = patience();
        await abortable(writer.write(frameMessage(answer)), idle.signal);
      }
    } catch (error) {
      if (!(error instanceof UmbraError)) throw error;
      logger.log("debug", "DNS connection ended", {
        client: client.remote.host,
        ...faultOf(error),
      });
    }
  }

  /** Ends all pending queries. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Answers over UDP; if there is no answer, the client may ask again. */
  async #answer(exchange: Omit<DnsExchange, "isStream">): Promise<void> {
    const { client, query } = exchange;
    try {
      const answer = await this.#answers.answer(
        { ...exchange, isStream: false },
        this.#stopped.signal,
      );
      if (answer === undefined) return;
      const bytes = answer.length <= query.maxBytes
        ? answer
        : truncatedAnswer(answer, query);
      await this.#socket.send(bytes, client);
    } catch (error) {
      this.#report.dropped(error, client.host);
    }
  }
}

/** @throws {ProtocolError} `ERR_DNS_MESSAGE`. */
function readQuery(message: Uint8Array): DnsQuery {
  const query = message.length <= MAX_DNS_QUERY_LENGTH
    ? readDnsQuery(message)
    : undefined;
  if (query === undefined) throw malformed("it is not a query");
  return query;
}
