/**
 * UDP of `ss-server`: decrypts packets, resolves names, sends the payload from
 * a socket of the client's own, and encrypts answers with their true source.
 *
 * Packets that do not authenticate are dropped without an answer.
 *
 * @module
 */
import { concat } from "../../bytes.ts";
import { detach } from "../../defect.ts";
import { PolicyError } from "../../errors.ts";
import { MAX_PENDING_DATAGRAMS, MAX_PENDING_PER_FLOW } from "../../limits.ts";
import type { Packet } from "../../codec/packet.ts";
import type { ServerProtocol } from "../../session/family.ts";
import type {
  ClientPacket,
  PacketServer,
} from "../../session/packet_protocol.ts";
import { onAbort } from "../../on_abort.ts";
import type {
  Datagram,
  DatagramSocket,
  Endpoint,
  Posted,
} from "../../transport.ts";
import type { Router } from "../outbound/outbound.ts";
import type { Direction } from "../../streams/channel.ts";
import type { LimitedUser, Visit } from "../server/account.ts";
import type { Accounts } from "../server/accounts.ts";
import type { Dependencies, Service } from "../service.ts";
import { isClientBlocked, type ServerRoutes } from "../routing/server_rules.ts";
import {
  DatagramProxies,
  type Introduced,
  type Way,
} from "./datagram_proxies.ts";
import { bindPort } from "./late_socket.ts";
import type { UdpFlow } from "./flow_table.ts";
import { type FlowOwner, OutboundFlows } from "./outbound_flows.ts";
import { UdpReport } from "./udp_report.ts";
import { flowLimits } from "./flow_share.ts";
import { serveDatagrams } from "./receive_loop.ts";
import type { UdpOptions } from "../options.ts";

/** The options that can change while the UDP side of a server runs. */
export interface UdpServerChange {
  /** The protocol, for both TCP and UDP; a new one ends every flow. */
  readonly protocol: ServerProtocol;
  /** Milliseconds without a datagram until a flow ends. */
  readonly udpTimeoutMs: number;
  /** Further rules about clients and targets; default: all are allowed. */
  readonly routes?: ServerRoutes | undefined;
  /**
   * The user that clients without a name are counted for. Default: none,
   * without limits.
   */
  readonly owner?: LimitedUser | undefined;
}

/** The options of the UDP side of a server. */
export interface UdpServerOptions extends UdpServerChange, UdpOptions {
  /** The address that clients send to. */
  readonly listen: Endpoint;
  /** The accounts of users. */
  readonly accounts: Accounts;
  /** Chooses the way to targets. */
  readonly router: Router;
  /** The proxies, see `AcceptOptions`. Default: none. */
  readonly proxyFrom?: readonly string[];
}

/** The running UDP side of a server. */
export interface UdpServerService extends Service {
  /**
   * Takes a packet that did not arrive at the port.
   *
   * @param reply Sends the answers.
   * @returns True if the packet was encrypted with a known key.
   */
  take(datagram: Datagram, reply: PacketReply): boolean;
  /** Ends the associations that are answered by `reply`, which is closed. */
  leave(reply: PacketReply): void;
  /** Replaces the options. */
  update(change: UdpServerChange): void;
}

/**
 * Starts the UDP side of a server.
 *
 * @throws {TransportError} If it cannot bind.
 */
export async function startUdpServer(
  options: UdpServerOptions,
  world: Required<Dependencies>,
): Promise<UdpServerService> {
  const socket = await bindPort(options.listen, world);
  const server = new UdpServer(options, socket, world);
  const service = serveDatagrams(
    socket,
    (datagram) => server.handle(datagram),
    () => server.stop(),
    world,
  );
  return {
    address: service.address,
    stop: (graceMs) => service.stop(graceMs),
    update: (change) => server.update(change),
    take: (datagram, reply) => server.handle(datagram, reply),
    leave: (reply) => server.leave(reply),
  };
}

/** Sends answers to a client. */
export type PacketReply = Pick<DatagramSocket, "post">;

/** One association of a client. */
interface Client extends FlowOwner {
  /** The client's latest address. */
  endpoint: Endpoint;
  /** The address for answers, and the header before them. */
  way: Way;
  /** Sends the answers. */
  reply: PacketReply;
  /** Counts the user's datagrams; its abort ends the association. */
  readonly visit: Visit;
  /** The open flows; the association ends with the last one. */
  readonly flows: Set<UdpFlow<unknown>>;
  /** Removes the listener of the visit's signal. */
  readonly leaveSignal: () => void;
  /** Resolves once the user is admitted; not set if it already is. */
  arriving: Promise<void> | undefined;
  /** Datagrams that wait for the admission. */
  waiting: number;
}

class UdpServer {
  readonly #socket: DatagramSocket;
  readonly #accounts: Accounts;
  readonly #flows: OutboundFlows<Client>;
  readonly #report: UdpReport;
  readonly #world: Required<Dependencies>;
  /** The clients by association. */
  readonly #clients = new Map<string, Client>();
  /** Clients whose packets do not arrive at the port, by their way back. */
  readonly #carried = new WeakMap<PacketReply, Set<Client>>();
  #packets: PacketServer;
  #routes: ServerRoutes | undefined;
  #owner: LimitedUser | undefined;
  readonly #proxies: DatagramProxies | undefined;
  /** Datagrams of all clients that wait for an admission. */
  #waiting = 0;

  constructor(
    options: UdpServerOptions,
    socket: DatagramSocket,
    world: Required<Dependencies>,
  ) {
    this.#socket = socket;
    this.#world = world;
    this.#accounts = options.accounts;
    this.#packets = options.protocol.packets;
    this.#routes = options.routes;
    this.#owner = options.owner;
    const { proxyFrom = [] } = options;
    this.#proxies = proxyFrom.length === 0
      ? undefined
      : new DatagramProxies(proxyFrom);
    this.#report = new UdpReport(world);
    this.#flows = new OutboundFlows(
      {
        router: options.router,
        inbound: "shadowsocks",
        ...flowLimits(options, world),
        deliver: (client, packet, posted) =>
          this.#reply(client, packet, posted),
        ended: (client) => this.#forgetUnused(client),
      },
      world,
      this.#report,
    );
  }

  /**
   * Handles a datagram, which may come from any host.
   *
   * @param reply Sends the answers; default: the port.
   * @returns True if it was encrypted with a known key.
   */
  handle(datagram: Datagram, reply: PacketReply = this.#socket): boolean {
    this.#report.received();
    let from = datagram.from;
    try {
      const sent = this.#introduce(datagram, reply);
      if (sent === undefined) return false;
      from = sent.client;
      if (this.#routes && isClientBlocked(this.#routes, from.host)) {
        throw new PolicyError(
          "ERR_CLIENT_BLOCKED",
          "The ACL refuses this client",
        );
      }
      const packet = this.#packets.open(sent.payload, from);
      const client = this.#clientOf(packet, sent, reply);
      if (client.arriving === undefined) this.#flows.send(client, packet);
      else {
        const sending = this.#sendSettled(client, packet);
        detach(sending, "datagram", this.#world);
      }
      this.#forgetUnused(client);
      return true;
    } catch (error) {
      this.#report.dropped(error, from.host);
      return false;
    }
  }

  /** See {@link UdpServerService.leave}. */
  leave(reply: PacketReply): void {
    for (const client of this.#carried.get(reply) ?? []) {
      this.#flows.endOf(client);
    }
  }

  update({ protocol, udpTimeoutMs, routes, owner }: UdpServerChange): void {
    this.#routes = routes;
    this.#owner = owner;
    if (protocol.packets !== this.#packets) {
      this.#flows.end();
      this.#packets = protocol.packets;
    }
    this.#flows.setIdleTimeout(udpTimeoutMs);
  }

  /**
   * Reads the PROXY header of a datagram; only datagrams at the port have one.
   */
  #introduce(datagram: Datagram, reply: PacketReply): Introduced | undefined {
    if (this.#proxies !== undefined && reply === this.#socket) {
      return this.#proxies.introduce(datagram);
    }
    const { payload, from } = datagram;
    return { client: from, payload, way: { to: from } };
  }

  /** Ends every flow. */
  stop(): void {
    this.#flows.end();
    this.#report.close(this.#flows.overflown + this.#socket.dropped);
  }

  /**
   * Returns the client of a packet, after the datagram was counted for its
   * user.
   */
  #clientOf(
    packet: ClientPacket,
    { client: endpoint, way }: Introduced,
    reply: PacketReply,
  ): Client {
    const { association, user = this.#owner?.name, payload } = packet;
    const known = this.#clients.get(association);
    if (known !== undefined) {
      known.endpoint = endpoint;
      known.way = way;
      if (known.reply !== reply) this.#carry(known, reply);
      if (known.arriving === undefined) {
        this.#count(known, "up", payload.length);
      }
      return known;
    }
    let visit: Visit | undefined;
    try {
      visit = this.#visit(user, endpoint.host);
      if (visit.settled === undefined) count(visit, "up", payload.length);
    } catch (error) {
      visit?.[Symbol.dispose]();
      this.#packets.end(association);
      throw error;
    }
    const client: Client = {
      key: association,
      endpoint,
      way,
      reply: this.#socket,
      user,
      visit,
      flows: new Set(),
      arriving: visit.settled,
      waiting: 0,
      leaveSignal: visit.signal === undefined
        ? () => {}
        : onAbort(visit.signal, () => this.#flows.endOf(client)),
    };
    this.#clients.set(association, client);
    this.#carry(client, reply);
    return client;
  }

  /** Sends a datagram once the user is admitted. It never rejects. */
  async #sendSettled(client: Client, given: ClientPacket): Promise<void> {
    // The buffer may be reused for the next datagram.
    const packet = { ...given, payload: given.payload.slice() };
    client.waiting++;
    this.#waiting++;
    try {
      if (
        client.waiting > MAX_PENDING_PER_FLOW ||
        this.#waiting > MAX_PENDING_DATAGRAMS
      ) {
        throw new PolicyError(
          "ERR_POLICY_LIMIT",
          "Too many datagrams are waiting for their user to be admitted",
        );
      }
      await client.arriving;
      client.arriving = undefined;
      client.visit.signal?.throwIfAborted();
      this.#count(client, "up", packet.payload.length);
      this.#flows.send(client, packet);
    } catch (error) {
      this.#report.dropped(error, client.endpoint.host);
    } finally {
      client.waiting--;
      this.#waiting--;
      this.#forgetUnused(client);
    }
  }

  /** Answers a client by this way from now on. */
  #carry(client: Client, reply: PacketReply): void {
    this.#carried.get(client.reply)?.delete(client);
    client.reply = reply;
    if (reply === this.#socket) return;
    const carried = this.#carried.get(reply) ?? new Set();
    this.#carried.set(reply, carried.add(client));
  }

  /**
   * Opens a visit. A user with too many associations loses only the quietest
   * one.
   */
  #visit(user: string | undefined, host: string): Visit {
    try {
      return this.#accounts.connect(user, host, "udp");
    } catch (error) {
      const tooMany = error instanceof PolicyError &&
        error.code === "ERR_POLICY_USER_CONNECTIONS";
      const quietest = tooMany &&
        this.#flows.quietest((client) => client.user === user);
      if (!quietest) throw error;
      this.#flows.endOf(quietest);
      return this.#accounts.connect(user, host, "udp");
    }
  }

  /** Counts a datagram. If the user may not send more, the association ends. */
  #count(client: Client, direction: Direction, bytes: number): void {
    try {
      count(client.visit, direction, bytes);
    } catch (error) {
      const tooFast = error instanceof PolicyError &&
        error.code === "ERR_POLICY_USER_RATE";
      if (!tooFast) this.#flows.endOf(client);
      throw error;
    }
  }

  /** Encrypts a datagram that arrived at a client's socket. */
  #reply(client: Client, packet: Packet, posted: Posted): void {
    this.#count(client, "down", packet.payload.length);
    const sealed = this.#packets.seal(client.key, packet);
    const { to, front } = client.way;
    const bytes = front === undefined ? sealed : concat(front, sealed);
    client.reply.post(bytes, to, posted);
  }

  /** Ends an association without flows and without waiting datagrams. */
  #forgetUnused(client: Client): void {
    if (client.flows.size > 0 || client.waiting > 0) return;
    if (!this.#clients.delete(client.key)) return;
    this.#carried.get(client.reply)?.delete(client);
    client.leaveSignal();
    client.visit[Symbol.dispose]();
    this.#packets.end(client.key);
  }
}

/**
 * @throws {PolicyError} Also `ERR_POLICY_USER_RATE`; nothing is counted then.
 */
function count(visit: Visit, direction: Direction, bytes: number): void {
  const waitMs = visit.count(direction, bytes);
  if (waitMs === 0) return;
  throw new PolicyError(
    "ERR_POLICY_USER_RATE",
    waitMs > 0
      ? `Datagram is ${Math.ceil(waitMs)} ms too early for its user's rate`
      : "Datagram arrived before its user's next lease",
  );
}
