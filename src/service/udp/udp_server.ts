/**
 * UDP of `ss-server`: opens packets, resolves names, sends what they carry from
 * a socket of the client's own, and seals what comes back with its true
 * source.
 *
 * What does not authenticate is dropped without a reaction.
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

/** What can be changed while the UDP side of a server runs. */
export interface UdpServerChange {
  /** Of TCP and UDP alike; another one ends every flow. */
  readonly protocol: ServerProtocol;
  /** Milliseconds without a datagram. */
  readonly udpTimeoutMs: number;
  /** Which clients are served besides; default: all. */
  readonly routes?: ServerRoutes | undefined;
  /** Whose clients without a name are. Default: nobody's, without limits. */
  readonly owner?: LimitedUser | undefined;
}

/** How to run the UDP side of a server. */
export interface UdpServerOptions extends UdpServerChange, UdpOptions {
  /** Where clients send to. */
  readonly listen: Endpoint;
  /** Where users are counted. */
  readonly accounts: Accounts;
  /** Chooses the way to targets. */
  readonly router: Router;
  /** See `AcceptOptions`. Default: none. */
  readonly proxyFrom?: readonly string[];
}

/** The running UDP side of a server. */
export interface UdpServerService extends Service {
  /**
   * Takes a packet that came in another way than by the port.
   *
   * @param reply The way back.
   * @returns True if its sender has proved to know a key.
   */
  take(datagram: Datagram, reply: PacketReply): boolean;
  /** A way back is closed: what came by it ends. */
  leave(reply: PacketReply): void;
  /** Takes these as they are from now on. */
  update(change: UdpServerChange): void;
}

/**
 * Starts the UDP side of a server.
 *
 * @throws {TransportError} When it cannot bind.
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

/** The way back to a client. */
export type PacketReply = Pick<DatagramSocket, "post">;

/** One association of a client. */
interface Client extends FlowOwner {
  /** The client's latest address. */
  endpoint: Endpoint;
  /** Where replies go, and what stands in front of them. */
  way: Way;
  /** By what they are sent. */
  reply: PacketReply;
  /** Counts what the user moves; its abort ends the association. */
  readonly visit: Visit;
  /** It ends with the last of them. */
  readonly flows: Set<UdpFlow<unknown>>;
  /** Listens no more for its user to be sent away. */
  readonly leaveSignal: () => void;
  /** Settles once its user is admitted; not set: it is. */
  arriving: Promise<void> | undefined;
  /** Datagrams that wait for that. */
  waiting: number;
}

class UdpServer {
  readonly #socket: DatagramSocket;
  readonly #accounts: Accounts;
  readonly #flows: OutboundFlows<Client>;
  readonly #report: UdpReport;
  readonly #world: Required<Dependencies>;
  /** By the name of their association. */
  readonly #clients = new Map<string, Client>();
  /** Those that came in another way than by the port. */
  readonly #carried = new WeakMap<PacketReply, Set<Client>>();
  #packets: PacketServer;
  #routes: ServerRoutes | undefined;
  #owner: LimitedUser | undefined;
  readonly #proxies: DatagramProxies | undefined;
  /** Datagrams of all clients that wait for their users to be admitted. */
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
   * Takes what a client, or anybody, has sent.
   *
   * @param reply The way back; default: the port.
   * @returns True if it was sealed with a key.
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
          "The ACL does not let this client in",
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

  /** Only at the port there are proxies. */
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

  /** The client of a packet, once its user may send it. */
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

  /**
   * The first datagrams of a client wait until its user is admitted. Never
   * rejects.
   */
  async #sendSettled(client: Client, given: ClientPacket): Promise<void> {
    // The next datagram may take the place of this one.
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
          "Too many datagrams wait for their user to be admitted",
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

  /** A client is answered by this way from now on. */
  #carry(client: Client, reply: PacketReply): void {
    this.#carried.get(client.reply)?.delete(client);
    client.reply = reply;
    if (reply === this.#socket) return;
    const carried = this.#carried.get(reply) ?? new Set();
    this.#carried.set(reply, carried.add(client));
  }

  /** A user with too many associations loses the quietest, and no other. */
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

  /** Counts a datagram; a user who may move no more loses the association. */
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

  /** Seals what anybody sent to a socket of the client's. */
  #reply(client: Client, packet: Packet, posted: Posted): void {
    this.#count(client, "down", packet.payload.length);
    const sealed = this.#packets.seal(client.key, packet);
    const { to, front } = client.way;
    const bytes = front === undefined ? sealed : concat(front, sealed);
    client.reply.post(bytes, to, posted);
  }

  /** An association ends with its last flow, or if it will have none. */
  #forgetUnused(client: Client): void {
    if (client.flows.size > 0 || client.waiting > 0) return;
    if (!this.#clients.delete(client.key)) return;
    this.#carried.get(client.reply)?.delete(client);
    client.leaveSignal();
    client.visit[Symbol.dispose]();
    this.#packets.end(client.key);
  }
}

/** @throws {PolicyError} Also `ERR_POLICY_USER_RATE`: nothing is counted. */
function count(visit: Visit, direction: Direction, bytes: number): void {
  const waitMs = visit.count(direction, bytes);
  if (waitMs === 0) return;
  throw new PolicyError(
    "ERR_POLICY_USER_RATE",
    waitMs > 0
      ? `Datagram is ${Math.ceil(waitMs)} ms too early for its user's rate`
      : "Datagram came before its user's next lease",
  );
}
