/**
 * UDP of `ss-server`: opens packets, resolves names, sends what they carry from
 * a socket of the client's own, and seals what comes back with its true
 * source.
 *
 * What does not authenticate is dropped without a reaction.
 *
 * @module
 */
import type { Address } from "../codec/address.ts";
import { MasterKey } from "../crypto/aead.ts";
import { PolicyError } from "../errors.ts";
import { MAX_DIAL_ADDRESSES, UDP_TIMEOUT_MS } from "../limits.ts";
import { anyTarget, type TargetPolicy } from "../security/target_policy.ts";
import { aead2017Packet } from "../session/aead2017_packet.ts";
import type { ServerKeys } from "../session/edition.ts";
import type { ClientPacket, PacketServer } from "../session/packet_protocol.ts";
import type { Datagram, DatagramSocket, Endpoint } from "../transport.ts";
import { type Flow, FlowTable } from "./flow_table.ts";
import { NameCache } from "./name_cache.ts";
import { type Dependencies, type Service, withDefaults } from "./service.ts";
import { UdpReport } from "./udp_report.ts";
import {
  flowCapacity,
  serveDatagrams,
  type UdpOptions,
} from "./udp_service.ts";
import { noUdp } from "./upstream.ts";

/** How to run the UDP side of a server. */
export interface UdpServerOptions extends UdpOptions, ServerKeys {
  /** Where clients send to. */
  readonly listen: Endpoint;
  /** What may be sent to; default: anything. */
  readonly targetPolicy?: TargetPolicy;
}

/**
 * Starts the UDP side of a server.
 *
 * @throws {TransportError} When it cannot bind.
 * @throws {ConfigError} `ERR_CONFIG_VALUE` for what has no UDP here: 2022
 * methods, and users.
 */
export async function startUdpServer(
  options: UdpServerOptions,
  dependencies: Dependencies,
): Promise<Service> {
  const world = withDefaults(dependencies);
  const masterKey = singleKey(options, world);
  const socket = await world.transport.bind(options.listen);
  const server = new UdpServer(options, masterKey, socket, world);
  return serveDatagrams(
    socket,
    (datagram) => server.handle(datagram),
    () => server.stop(),
    world,
  );
}

function singleKey(
  { method, masterKey, users = [] }: ServerKeys,
  { aeadProvider }: Required<Dependencies>,
): MasterKey {
  if (method.edition !== 2017) throw noUdp("a 2022 method");
  if (users.length > 0 || masterKey === undefined) throw noUdp("several users");
  return new MasterKey(method, masterKey, aeadProvider);
}

/** Where the replies of a flow go: the latest address of its client. */
interface Client {
  endpoint: Endpoint;
}

class UdpServer {
  readonly #socket: DatagramSocket;
  readonly #policy: TargetPolicy;
  readonly #protocol: PacketServer;
  readonly #flows: FlowTable<Client>;
  readonly #names: NameCache;
  readonly #report: UdpReport;

  constructor(
    options: UdpServerOptions,
    masterKey: MasterKey,
    socket: DatagramSocket,
    world: Required<Dependencies>,
  ) {
    this.#socket = socket;
    this.#policy = options.targetPolicy ?? anyTarget;
    this.#protocol = aead2017Packet(
      masterKey,
      world.randomBytes,
    ).server();
    this.#report = new UdpReport(world);
    this.#names = new NameCache(world);
    this.#flows = new FlowTable(
      {
        maxFlows: options.maxFlows ??
          flowCapacity(world.transport.descriptorLimit()),
        idleTimeoutMs: options.udpTimeoutMs ?? UDP_TIMEOUT_MS,
        onDatagram: (flow, datagram) => this.#reply(flow, datagram),
        onEnd: ({ key }) => this.#protocol.end(key),
      },
      world,
      this.#report,
    );
  }

  /** Takes what a client, or anybody, has sent. */
  handle({ payload, from }: Datagram): void {
    this.#report.received();
    let packet: ClientPacket;
    try {
      packet = this.#protocol.open(payload, from);
    } catch (error) {
      this.#report.dropped(error, from.host);
      return;
    }
    const flow = this.#flows.open(
      packet.association,
      () => ({ endpoint: from }),
    );
    flow.data.endpoint = from;
    void this.#forward(flow, packet);
  }

  /** Ends every flow. */
  stop(): void {
    this.#flows.end();
    this.#report.close(this.#flows.overflown + this.#socket.dropped);
  }

  async #forward(
    flow: Flow<Client>,
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
  async #reply(flow: Flow<Client>, { payload, from }: Datagram): Promise<void> {
    const sealed = this.#protocol.seal(flow.key, { address: from, payload });
    const { signal } = flow;
    try {
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
