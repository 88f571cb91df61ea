/**
 * Shadowsocks inside WebSockets, on the side of `ss-local`: one WebSocket for
 * each stream, and one for the packets of each association.
 *
 * @module
 */
import type { StopSignal } from "../../../on_abort.ts";
import { abortable, Deadline } from "../../../clock.ts";
import {
  authorityOf,
  type WebSocketTransport,
  type WebSocketUrl,
} from "../../../codec/websocket_transport.ts";
import {
  MAX_WEBSOCKET_MESSAGE,
  MAX_WEBSOCKET_PACKET,
} from "../../../limits.ts";
import { anyTarget } from "../../../security/target_policy.ts";
import { ClientUpgrade } from "../../../session/websocket/handshake.ts";
import { ByteReader } from "../../../streams/byte_reader.ts";
import { ByteWriter } from "../../../streams/byte_writer.ts";
import { WebSocketConnection } from "../../../streams/websocket_connection.ts";
import {
  type UpgradedConnection,
  WebSocketLink,
} from "../../../streams/websocket_link.ts";
import { WebSocketPackets } from "../../../streams/websocket_packets.ts";
import type {
  Connection,
  DatagramSocket,
  Endpoint,
} from "../../../transport.ts";
import { dial } from "../../outbound/dial.ts";
import type { Dependencies } from "../../service.ts";
import type { Carrier, CarrierOptions } from "../carrier.ts";
import { PacketSocket } from "./packet_socket.ts";

/** Carries streams and packets to one server in WebSockets. */
export class WebSocketCarrier implements Carrier {
  /** See {@link Carrier.bind}. */
  readonly bind?: () => Promise<DatagramSocket>;
  readonly #settings: WebSocketTransport;
  readonly #options: CarrierOptions;
  readonly #world: Required<Dependencies>;

  /** Makes a carrier, which connects when it is used. */
  constructor(
    settings: WebSocketTransport,
    options: CarrierOptions,
    world: Required<Dependencies>,
  ) {
    this.#settings = settings;
    this.#options = options;
    this.#world = world;
    const { udpUrl } = settings;
    if (udpUrl !== undefined) this.bind = () => this.#bind(udpUrl);
  }

  /** See {@link Carrier.connect}. */
  async connect(signal: StopSignal): Promise<Connection> {
    const { url } = this.#settings;
    const link = await this.#open(url, MAX_WEBSOCKET_MESSAGE, signal);
    return new WebSocketConnection(link);
  }

  async #bind(url: WebSocketUrl): Promise<DatagramSocket> {
    const link = await this.#open(url, MAX_WEBSOCKET_PACKET);
    return new PacketSocket(
      new WebSocketPackets(link),
      link.connection.local,
      this.#options.endpoint,
    );
  }

  async #open(
    url: WebSocketUrl,
    maxMessage: number,
    parent?: StopSignal,
  ): Promise<WebSocketLink> {
    const { clock, randomBytes, transport } = this.#world;
    using deadline = new Deadline(clock, {
      delayMs: this.#options.connectTimeoutMs,
      parent,
      what: () => `No answer from the WebSocket server ${authorityOf(url)}`,
    });
    const connection = await this.#dial(url, deadline.signal);
    try {
      const upgraded = await this.#upgrade(connection, url, deadline.signal);
      const { buffers } = transport;
      const end = "client";
      return new WebSocketLink(upgraded, {
        ...{ end, maxMessage, randomBytes, clock, buffers },
        closeDelayMs: this.#settings.closeDelayMs,
      });
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  #dial(url: WebSocketUrl, signal: StopSignal): Promise<Connection> {
    const { transport, clock, metrics } = this.#world;
    const { connectTimeoutMs: timeoutMs } = this.#options;
    return dial(this.#addressOf(url), {
      ...{ transport, clock, metrics, signal, timeoutMs },
      policy: anyTarget,
      ...url.isTls && {
        tls: { serverName: url.host, protocols: ["http/1.1"] },
      },
    });
  }

  /** If the server is dialled at another address, its packets are as well. */
  #addressOf(url: WebSocketUrl): Endpoint {
    const { endpoint } = this.#options;
    const { host, port } = this.#settings.url;
    return endpoint.host === host && endpoint.port === port
      ? { host: url.host, port: url.port }
      : endpoint;
  }

  async #upgrade(
    connection: Connection,
    url: WebSocketUrl,
    signal: StopSignal,
  ): Promise<UpgradedConnection> {
    const reader = new ByteReader(connection);
    const writer = new ByteWriter(connection);
    const upgrade = new ClientUpgrade({
      authority: authorityOf(url),
      path: url.path,
      headers: this.#settings.headers,
    }, this.#world.randomBytes);
    await abortable(writer.write(upgrade.request), signal);
    for (;;) {
      const bytes = await reader.read(signal);
      if (bytes === undefined) throw upgrade.end();
      const rest = upgrade.read(bytes);
      if (rest !== undefined) return { connection, reader, writer, rest };
    }
  }
}
