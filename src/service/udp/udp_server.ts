/**
 * UDP of `ss-server`: opens packets, resolves names, sends what they carry from
 * a socket of the client's own, and seals what comes back with its true
 * source.
 *
 * What does not authenticate is dropped without a reaction.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";
import { PolicyError } from "../../errors.ts";
import { MAX_DIAL_ADDRESSES, UDP_TIMEOUT_MS } from "../../limits.ts";
import { anyTarget, type TargetPolicy } from "../../security/target_policy.ts";
import type { ServerProtocol } from "../../session/edition.ts";
import type {
  ClientPacket,
  PacketServer,
} from "../../session/packet_protocol.ts";
import { onAbort } from "../../on_abort.ts";
import type { Datagram, DatagramSocket, Endpoint } from "../../transport.ts";
import type { Direction, Visit } from "../server/account.ts";
import type { Accounts } from "../server/accounts.ts";
import { FlowTable, type UdpFlow } from "./flow_table.ts";
import { bindPort } from "./late_socket.ts";
import { NameCache } from "./name_cache.ts";
import type { Dependencies, Service } from "../service.ts";
import { UdpReport } from "./udp_report.ts";
import {
  flowCapacity,
  serveDatagrams,
  type UdpOptions,
} from "./udp_service.ts";

/** What can be changed while the UDP side of a server runs. */
export interface UdpServerChange {
  /** Of TCP and UDP alike; another one ends every flow. */
  readonly protocol: ServerProtocol;
  /** What may be sent to; default: anything. */
  readonly targetPolicy?: TargetPolicy;
  /** Milliseconds without a datagram; default 300,000. */
  readonly udpTimeoutMs?: number;
}

/** How to run the UDP side of a server. */
export interface UdpServerOptions extends UdpServerChange, UdpOptions {
  /** Where clients send to. */
  readonly listen: Endpoint;
  /** Where users are counted. */
  readonly accounts: Accounts;
}

/** The running UDP side of a server. */
export interface UdpServerService extends Service {
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
  };
}

interface Client {
  /** Where replies go: the client's latest address. */
  endpoint: Endpoint;
  /** Whose flow it is, where users have names. */
  readonly user: string | undefined;
  /** Counts what the user moves; its abort ends the flow. */
  readonly visit: Visit;
}

class UdpServer {
  readonly #socket: DatagramSocket;
  readonly #accounts: Accounts;
  readonly #flows: FlowTable<Client>;
  readonly #names: NameCache;
  readonly #report: UdpReport;
  #packets: PacketServer;
  #policy: TargetPolicy;

  constructor(
    options: UdpServerOptions,
    socket: DatagramSocket,
    world: Required<Dependencies>,
  ) {
    this.#socket = socket;
    this.#accounts = options.accounts;
    this.#policy = options.targetPolicy ?? anyTarget;
    this.#packets = options.protocol.packets;
    this.#report = new UdpReport(world);
    this.#names = new NameCache(world);
    this.#flows = new FlowTable(
      {
        maxFlows: options.maxFlows ??
          flowCapacity(world.transport.descriptorLimit()),
        idleTimeoutMs: options.udpTimeoutMs ?? UDP_TIMEOUT_MS,
        onDatagram: (flow, datagram) => this.#reply(flow, datagram),
        onEnd: ({ key, data }) => {
          data.visit[Symbol.dispose]();
          this.#packets.end(key);
        },
      },
      world,
      this.#report,
    );
  }

  /** Takes what a client, or anybody, has sent. */
  handle({ payload, from }: Datagram): void {
    this.#report.received();
    try {
      const packet = this.#packets.open(payload, from);
      void this.#forward(this.#flowOf(packet, from), packet);
    } catch (error) {
      this.#report.dropped(error, from.host);
    }
  }

  update({ protocol, targetPolicy, udpTimeoutMs }: UdpServerChange): void {
    if (protocol.packets !== this.#packets) {
      this.#flows.end();
      this.#packets = protocol.packets;
    }
    this.#policy = targetPolicy ?? anyTarget;
    this.#flows.idleTimeoutMs = udpTimeoutMs ?? UDP_TIMEOUT_MS;
  }

  /** Ends every flow. */
  stop(): void {
    this.#flows.end();
    this.#report.close(this.#flows.overflown + this.#socket.dropped);
  }

  /** The flow of a packet, once its user may send it. */
  #flowOf(packet: ClientPacket, endpoint: Endpoint): UdpFlow<Client> {
    const { association, user, payload } = packet;
    const known = this.#flows.get(association);
    if (known !== undefined) {
      known.data.endpoint = endpoint;
      this.#count(known, "up", payload.length);
      return known;
    }
    let visit: Visit | undefined;
    try {
      visit = this.#visit(user, endpoint.host);
      count(visit, "up", payload.length);
    } catch (error) {
      visit?.[Symbol.dispose]();
      this.#packets.end(association);
      throw error;
    }
    const client = { endpoint, user, visit };
    const flow = this.#flows.open(association, () => client);
    if (visit.signal !== undefined) {
      const leave = onAbort(visit.signal, () => this.#flows.close(flow));
      onAbort(flow.signal, leave);
    }
    return flow;
  }

  /** A user with too many associations loses the quietest, and nobody else. */
  #visit(user: string | undefined, host: string): Visit {
    try {
      return this.#accounts.connect(user, host, "udp");
    } catch (error) {
      const tooMany = error instanceof PolicyError &&
        error.code === "ERR_POLICY_USER_CONNECTIONS";
      const quietest = tooMany &&
        this.#flows.quietest(({ data }) => data.user === user);
      if (!quietest) throw error;
      this.#flows.close(quietest);
      return this.#accounts.connect(user, host, "udp");
    }
  }

  /** Counts a datagram; a user who may move no more loses the flow. */
  #count(flow: UdpFlow<Client>, direction: Direction, bytes: number): void {
    try {
      count(flow.data.visit, direction, bytes);
    } catch (error) {
      const tooFast = error instanceof PolicyError &&
        error.code === "ERR_POLICY_USER_RATE";
      if (!tooFast) this.#flows.close(flow);
      throw error;
    }
  }

  async #forward(
    flow: UdpFlow<Client>,
    { address, payload }: ClientPacket,
  ): Promise<void> {
    try {
      await this.#flows.send(flow, payload, () => this.#route(address));
      this.#report.relayed("up", payload.length);
    } catch (error) {
      this.#report.dropped(error, flow.data.endpoint.host);
    }
  }

  /** Seals what anybody sent to a flow's socket. */
  async #reply(
    flow: UdpFlow<Client>,
    { payload, from }: Datagram,
  ): Promise<void> {
    const { signal } = flow;
    try {
      this.#count(flow, "down", payload.length);
      const sealed = this.#packets.seal(flow.key, { address: from, payload });
      await this.#socket.send(sealed, flow.data.endpoint, { signal });
      this.#report.relayed("down", payload.length);
    } catch (error) {
      this.#report.dropped(error, flow.data.endpoint.host);
    }
  }

  async #route({ host, port }: Address): Promise<Endpoint[]> {
    const ips = await this.#names.resolve(host);
    const allowed = ips.filter((ip) => this.#policy(ip) === undefined);
    if (allowed.length === 0) {
      throw new PolicyError(
        "ERR_POLICY_TARGET",
        `Cannot send to ${host}: its address is ${this.#policy(ips[0]!)}`,
      );
    }
    return allowed.slice(0, MAX_DIAL_ADDRESSES).map((ip) => ({
      host: ip,
      port,
    }));
  }
}

/** @throws {PolicyError} Also `ERR_POLICY_USER_RATE`: nothing is counted. */
function count(visit: Visit, direction: Direction, bytes: number): void {
  const waitMs = visit.count(direction, bytes);
  if (waitMs === 0) return;
  throw new PolicyError(
    "ERR_POLICY_USER_RATE",
    `Datagram is ${Math.ceil(waitMs)} ms too early for its user's rate`,
  );
}
