/**
 * The outbound through a Shadowsocks server.
 *
 * @module
 */
import { NOTHING } from "../../bytes.ts";
import type { StopSignal } from "../../on_abort.ts";
import { type Address, formatAddress } from "../../codec/address.ts";
import { TransportError } from "../../errors.ts";
import { anyTarget } from "../../security/target_policy.ts";
import { clientProtocol } from "../../session/families.ts";
import type { ClientKeys, ClientProtocol } from "../../session/family.ts";
import type { ClientSession } from "../../session/stream_protocol.ts";
import { Channel } from "../../streams/channel.ts";
import { ChannelConnection } from "../../streams/channel_connection.ts";
import type { Connection, Endpoint } from "../../transport.ts";
import type { Carrier, CarrierSettings } from "../carriers/carrier.ts";
import { carrierOf } from "../carriers/carriers.ts";
import {
  carriesDatagrams,
  carriesStreams,
  type PluginOptions,
} from "../plugin/options.ts";
import type { Plugin } from "../plugin/plugin.ts";
import type { Dependencies } from "../service.ts";
import { dial } from "./dial.ts";
import type { Outbound, PacketChannel } from "./outbound.ts";
import { WatchedSession, type WatchStream } from "./servers/watched_session.ts";

/** A server to connect through. */
export interface UpstreamServer extends ClientKeys {
  /** IP address or name, and port. */
  readonly endpoint: Endpoint;
  /** Another server through which this one is reached. Default: none. */
  readonly through?: UpstreamServer;
  /** The carrier of streams and packets; default: plain TCP and UDP. */
  readonly transport?: CarrierSettings;
  /** Name for the operator; default: its address. */
  readonly name?: string;
  /** The plugin in front of the server; default: none. */
  readonly plugin?: PluginOptions;
  /** The running plugin, once it has an owner: see `PluginCrew`. */
  readonly running?: Plugin;
  /**
   * Share for TCP among several servers, 0 to 1; default 1. With 0, it is not
   * used.
   */
  readonly tcpWeight?: number;
  /** Share for UDP, in the same way. */
  readonly udpWeight?: number;
}

/** Sends everything through one server. */
export class Shadowsocks implements Outbound {
  /** Address of the server as text; see {@link Outbound.name}. */
  readonly name: string;
  readonly #endpoint: Endpoint;
  readonly #plugin: Plugin | undefined;
  readonly #protocol: ClientProtocol;
  readonly #connectTimeoutMs: number;
  readonly #world: Required<Dependencies>;
  readonly #watch: WatchStream | undefined;
  readonly #carrier: Carrier | undefined;
  readonly #entry: Shadowsocks | undefined;

  /**
   * Makes an outbound, which connects when it is used.
   *
   * @param connectTimeoutMs Milliseconds to resolve and connect to the server.
   * @param watch Called with every stream; default: not called.
   * @throws {RangeError} For a WebSocket through another server.
   */
  constructor(
    server: UpstreamServer,
    connectTimeoutMs: number,
    world: Required<Dependencies>,
    watch?: WatchStream,
  ) {
    this.name = formatAddress(server.endpoint);
    this.#endpoint = server.endpoint;
    this.#plugin = server.running;
    this.#protocol = clientProtocol(server, world);
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#world = world;
    this.#watch = watch;
    const { endpoint, transport, through } = server;
    if (transport !== undefined && through !== undefined) {
      throw new RangeError("Cannot open a WebSocket through another server");
    }
    this.#entry = through && new Shadowsocks(through, connectTimeoutMs, world);
    this.#carrier = transport &&
      carrierOf(transport, { endpoint, connectTimeoutMs }, world);
  }

  /** See {@link Outbound.open}. */
  open(
    target: Address,
    first: Uint8Array,
    signal: StopSignal,
  ): Promise<Channel> {
    return this.#connect(signal).then((connection) => {
      const session = this.#protocol.stream();
      return new RequestChannel(
        connection,
        this.#watch === undefined
          ? session
          : new WatchedSession(session, this.#watch(target)),
        target,
        first,
      );
    });
  }

  /** See {@link Outbound.packets}. */
  packets(): PacketChannel {
    const session = this.#protocol.packets();
    const carrier = this.#carrier;
    const entry = this.#entry?.packets();
    if (entry !== undefined) {
      return {
        policy: entry.policy,
        seal: (packet) =>
          entry.seal({
            address: this.#endpoint,
            payload: session.seal(packet),
          }),
        open: (datagram) => session.open(entry.open(datagram).payload),
        ...entry.bind && { bind: entry.bind },
        free: () => {
          session.free();
          entry.free();
        },
      };
    }
    return {
      policy: anyTarget,
      seal: (packet) => ({
        to: this.#datagramsTo(),
        bytes: session.seal(packet),
      }),
      open: ({ payload }) => session.open(payload),
      ...carrier?.bind && { bind: carrier.bind },
      free: () => session.free(),
    };
  }

  /** This is not an async function, which saves a step for every connection. */
  #connect(signal: StopSignal): Promise<Connection> {
    if (this.#entry !== undefined) return this.#hop(this.#entry, signal);
    if (this.#carrier !== undefined) return this.#carrier.connect(signal);
    const plugin = this.#plugin;
    return carriesStreams(plugin?.options)
      ? plugin!.ready(signal).then((endpoint) => this.#dial(endpoint, signal))
      : this.#dial(this.#endpoint, signal);
  }

  async #hop(entry: Shadowsocks, signal: StopSignal): Promise<Connection> {
    const channel = await entry.open(this.#endpoint, NOTHING, signal);
    return new ChannelConnection(channel);
  }

  #dial(endpoint: Endpoint, signal: StopSignal): Promise<Connection> {
    const { transport, clock, metrics } = this.#world;
    return dial(endpoint, {
      why: "server",
      transport,
      clock,
      metrics,
      policy: anyTarget,
      timeoutMs: this.#connectTimeoutMs,
      signal,
    });
  }

  #datagramsTo(): Endpoint {
    const plugin = this.#plugin;
    if (!carriesDatagrams(plugin?.options)) return this.#endpoint;
    const to = plugin!.endpoint;
    if (to !== undefined) return to;
    throw new TransportError(
      "ERR_NET_PLUGIN",
      `Plugin ${plugin!.options.name} does not listen`,
    );
  }
}

/** A channel whose first bytes contain the target. */
class RequestChannel extends Channel {
  readonly #client: ClientSession;
  readonly #target: Address;

  constructor(
    connection: Connection,
    session: ClientSession,
    target: Address,
    first: Uint8Array,
  ) {
    super(connection, session, first);
    this.#client = session;
    this.#target = target;
  }

  protected override sealFirst(payload: Uint8Array): Uint8Array {
    return this.#client.request(this.#target, payload);
  }
}
