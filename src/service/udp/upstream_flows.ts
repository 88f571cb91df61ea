/**
 * The way of datagrams through a Shadowsocks server, for whatever takes them
 * from applications: one socket towards the server for each application's.
 *
 * @module
 */
import { type Address, formatAddress } from "../../codec/address.ts";
import type { Packet } from "../../codec/packet.ts";
import { MAX_DIAL_ADDRESSES, UDP_TIMEOUT_MS } from "../../limits.ts";
import type { PacketClient } from "../../session/packet_protocol.ts";
import type { Datagram, Endpoint } from "../../transport.ts";
import { FlowTable, type UdpFlow } from "./flow_table.ts";
import { NameCache } from "./name_cache.ts";
import type { Dependencies } from "../service.ts";
import type { UdpReport } from "./udp_report.ts";
import { flowCapacity, type UdpOptions } from "./udp_service.ts";
import type { PacketUpstream } from "../outbound/upstream.ts";

/** Where flows lead. */
export interface UpstreamOptions extends UdpOptions {
  /** The server of a new flow. */
  upstream(): PacketUpstream;
  /**
   * Gives an application what a target sent.
   *
   * @param client The application's socket.
   * @param packet Its address is the true source.
   * @throws {UmbraError} The datagram is dropped for this reason.
   */
  deliver(client: Endpoint, packet: Packet, signal: AbortSignal): Promise<void>;
}

interface Client {
  readonly endpoint: Endpoint;
  readonly server: Endpoint;
  readonly session: PacketClient;
}

/** All flows of one inbound. */
export class UpstreamFlows {
  readonly #options: UpstreamOptions;
  readonly #flows: FlowTable<Client>;
  readonly #names: NameCache;
  readonly #report: UdpReport;

  /** @param report Counts what happens here. */
  constructor(
    options: UpstreamOptions,
    world: Required<Dependencies>,
    report: UdpReport,
  ) {
    this.#options = options;
    this.#report = report;
    this.#names = new NameCache(world);
    this.#flows = new FlowTable(
      {
        maxFlows: flowCapacity(
          world.transport.descriptorLimit(),
          options.maxFlows,
        ),
        idleTimeoutMs: options.udpTimeoutMs ?? UDP_TIMEOUT_MS,
        onDatagram: (flow, datagram) => this.#deliver(flow, datagram),
        onEnd: ({ data }) => data.session.free(),
      },
      world,
      report,
    );
  }

  /** Datagrams that flows of the past lost in their receive queues. */
  get overflown(): number {
    return this.#flows.overflown;
  }

  /**
   * Sends what an application said; a failure is counted, not thrown.
   *
   * @param client The application's socket.
   */
  async send(client: Endpoint, packet: Packet): Promise<void> {
    try {
      const flow = this.#flows.open(
        formatAddress(client),
        () => this.#client(client),
      );
      const { session, server } = flow.data;
      const sealed = session.seal(packet);
      await this.#flows.send(flow, sealed, () => this.#route(server));
      this.#report.relayed("up", packet.payload.length);
    } catch (error) {
      this.#report.dropped(error, client.host);
    }
  }

  /** Ends the flows of these applications; all by default. */
  end(which: (client: Endpoint) => boolean = () => true): void {
    this.#flows.end(({ data }) => which(data.endpoint));
  }

  #client(endpoint: Endpoint): Client {
    const { endpoint: server, packets } = this.#options.upstream();
    return { endpoint, server, session: packets.client() };
  }

  async #route({ host, port }: Address): Promise<Endpoint[]> {
    const ips = await this.#names.resolve(host);
    return ips.slice(0, MAX_DIAL_ADDRESSES).map((ip) => ({ host: ip, port }));
  }

  async #deliver(
    { data, signal }: UdpFlow<Client>,
    { payload }: Datagram,
  ): Promise<void> {
    try {
      const packet = data.session.open(payload);
      await this.#options.deliver(data.endpoint, packet, signal);
      this.#report.relayed("down", packet.payload.length);
    } catch (error) {
      this.#report.dropped(error, data.endpoint.host);
    }
  }
}
