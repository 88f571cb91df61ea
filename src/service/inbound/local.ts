/**
 * `ss-local`: speaks SOCKS or HTTP to applications and Shadowsocks to a server.
 *
 * The protocol has no status channel: a server never tells whether the target
 * could be reached. So an application hears "succeeded" once the server is
 * connected, and a true error when the server itself cannot be reached.
 *
 * @module
 */
import { abortable } from "../../clock.ts";
import { type Address, formatAddress } from "../../codec/address.ts";
import { ProtocolError, UmbraError } from "../../errors.ts";
import {
  HALF_CLOSED_IDLE_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  LOCAL_HANDSHAKE_TIMEOUT_MS,
} from "../../limits.ts";
import type { Authenticate } from "../../session/socks5/server_session.ts";
import { ByteReader } from "../../streams/byte_reader.ts";
import { ByteWriter } from "../../streams/byte_writer.ts";
import { drain } from "../../streams/drain.ts";
import { relay, type RelayOptions } from "../../streams/relay.ts";
import type { Connection, Endpoint } from "../../transport.ts";
import { serve } from "../accept_loop.ts";
import { ConnectionReport, UNANSWERED } from "../connection_report.ts";
import type {
  Inbound,
  InboundProtocol,
  InboundRequest,
  Send,
} from "./inbound.ts";
import { inboundFor } from "./protocols.ts";
import { LocalClient } from "./local_client.ts";
import { OutboundStream } from "../outbound/outbound_stream.ts";
import {
  connectionShare,
  type Dependencies,
  type Service,
  withDefaults,
} from "../service.ts";
import { SilenceHint } from "./silence_hint.ts";
import { type SocksUser, userCheck } from "./socks5.ts";
import { UdpLocal } from "../udp/udp_local.ts";
import { startUdpTunnel } from "../udp/udp_tunnel.ts";
import {
  besideListener,
  flowShare,
  joined,
  type Mode,
  type UdpOptions,
} from "../udp/udp_service.ts";
import type { UpstreamServer } from "../outbound/upstream.ts";
import { type DialledServer, UpstreamPool } from "../outbound/upstream_pool.ts";

/** How to run a local proxy. */
export interface LocalOptions extends UdpOptions {
  /** Where applications connect. */
  readonly listen: Endpoint;
  /** At least one; the next is tried when one cannot be reached. */
  readonly servers: readonly UpstreamServer[];
  /** What applications speak; default `mixed`. */
  readonly protocol?: InboundProtocol;
  /** Default: `tcp_only`. UDP is on the port of TCP. */
  readonly mode?: Mode;
  /**
   * Set: only these may use it, which leaves SOCKS5 and HTTP. Not set, or
   * empty: everybody may.
   */
  readonly users?: readonly SocksUser[];
  /** Whether BIND is asked of the server, which must know it; default: no. */
  readonly bind?: boolean;
  /** Milliseconds without a byte; default 300,000. */
  readonly idleTimeoutMs?: number;
  /** Milliseconds to resolve and connect to a server; default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds for the handshake; default 30,000. */
  readonly handshakeTimeoutMs?: number;
  /** Open at once; default: what the descriptors allow. */
  readonly maxConnections?: number;
  /** Of one client address at once; default: no limit. */
  readonly maxConnectionsPerHost?: number;
}

/** A running local. */
export interface LocalService extends Service {
  /**
   * Uses other servers for what comes; what is open lives on.
   *
   * @param servers The preferred one first.
   * @throws {RangeError} When there is none; nothing has changed then.
   */
  setServers(servers: readonly UpstreamServer[]): void;
}

/**
 * Starts a local proxy.
 *
 * @throws {TransportError} When it cannot listen.
 * @throws {RangeError} When there is no server.
 */
export async function startLocal(
  options: LocalOptions,
  dependencies: Dependencies,
): Promise<LocalService> {
  const world = withDefaults(dependencies);
  const local = new Local(options, world);
  const service = await listen(local, options, world);
  return {
    address: service.address,
    stop: (graceMs) => service.stop(graceMs),
    setServers: (servers) => local.setServers(servers),
  };
}

async function listen(
  local: Local,
  options: LocalOptions,
  world: Required<Dependencies>,
): Promise<Service> {
  const { mode = "tcp_only", protocol } = options;
  const flows = flowShare(options, world);
  // SOCKS asks for UDP over TCP; a tunnel does not ask.
  if (mode === "udp_only" && typeof protocol === "object") {
    return await local.startUdp(options.listen, flows);
  }
  const listener = await world.transport.listen(options.listen, {
    reusePort: world.sharePorts,
  });
  const { address } = listener;
  const udp = mode !== "tcp_only"
    ? await besideListener(listener, () => local.startUdp(address, flows))
    : undefined;
  const tcp = serve(
    listener,
    {
      maxConnections: connectionShare(options.maxConnections, world, flows),
      maxPerHost: options.maxConnectionsPerHost,
    },
    (client, signal) => local.handle(client, signal),
    world,
  );
  return udp === undefined ? tcp : joined(tcp, udp);
}

/** An application's request and the server that is connected for it. */
interface Opened extends DialledServer {
  readonly request: InboundRequest;
}

/** A request whose stream goes on in another protocol. */
interface Switched {
  readonly request: InboundRequest;
  readonly stream: OutboundStream;
}

class Local {
  readonly #options: LocalOptions;
  readonly #world: Required<Dependencies>;
  readonly #upstreams: UpstreamPool;
  readonly #authenticate: Authenticate | undefined;
  readonly #inbound: Inbound;
  readonly #silence: SilenceHint;
  #udp: UdpLocal | undefined;

  constructor(options: LocalOptions, world: Required<Dependencies>) {
    this.#options = options;
    this.#world = world;
    this.#upstreams = new UpstreamPool(options, world);
    this.#authenticate = options.users?.length
      ? userCheck(options.users)
      : undefined;
    this.#inbound = inboundFor(options.protocol ?? "mixed");
    this.#silence = new SilenceHint(world);
  }

  get #handshakeTimeoutMs(): number {
    return this.#options.handshakeTimeoutMs ?? LOCAL_HANDSHAKE_TIMEOUT_MS;
  }

  setServers(servers: readonly UpstreamServer[]): void {
    this.#upstreams.replace(servers);
  }

  /** Serves UDP: a tunnel's, or that of associations. */
  async startUdp(listen: Endpoint, maxFlows: number): Promise<Service> {
    const upstream = this.#upstreams.forPackets();
    const options = { ...this.#options, listen, maxFlows, upstream };
    const { protocol } = this.#options;
    if (typeof protocol === "object") {
      const target = protocol.tunnelTo;
      return await startUdpTunnel({ ...options, target }, this.#world);
    }
    this.#udp = await UdpLocal.start(options, this.#world);
    return this.#udp.service;
  }

  async handle(connection: Connection, signal: AbortSignal): Promise<void> {
    const report = new ConnectionReport(connection, this.#world);
    using _watched = this.#silence.watch(report);
    const client = new LocalClient(
      connection,
      this.#world.clock,
      this.#handshakeTimeoutMs,
    );
    const opened = await this.#open(client, report, signal);
    if (opened === undefined) return;
    try {
      await ("stream" in opened
        ? this.#goOn(client, opened, signal)
        : this.#relay(client, opened, report, signal));
      const unanswered = report.bytesUp > 0 && report.bytesDown === 0;
      report.close(unanswered ? UNANSWERED : "done", unanswered);
    } catch (error) {
      report.fail(error);
      const { unanswered, refuse } = opened.request;
      if (unanswered !== undefined && report.bytesDown === 0) {
        await client.refuse(refuse(unanswered), signal);
      }
    } finally {
      if ("stream" in opened) opened.stream.close();
      else opened.server.close();
    }
  }

  /** Handshake and server; `undefined` when there is nothing to relay. */
  async #open(
    client: LocalClient,
    report: ConnectionReport,
    signal: AbortSignal,
  ): Promise<Opened | Switched | undefined> {
    const { clock } = this.#world;
    const send: Send = (bytes, giveUp) =>
      giveUp === undefined
        ? client.answer(bytes, signal)
        : abortable(client.writer.write(bytes), giveUp);
    try {
      const request = await this.#inbound({
        source: client.reader,
        send,
        authenticate: this.#authenticate,
        bind: this.#options.bind ?? false,
        mode: this.#options.mode ?? "tcp_only",
        clock,
        handshakeTimeoutMs: this.#handshakeTimeoutMs,
        idleTimeoutMs: this.#options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
        signal,
        open: (address) => this.#openStream(address, report, signal),
        refused: (error) => report.refuse(error),
      });
      if (request === undefined) {
        report.close(
          report.target === undefined
            ? "application left during the handshake"
            : "done",
        );
        await client.hangUp(signal);
        return undefined;
      }
      if (request.kind === "associate") {
        await this.#associate(client, request, signal);
        report.close("UDP association ended");
        return undefined;
      }
      report.target = formatAddress(request.address);
      const { stream } = request;
      if (stream !== undefined) return { request, stream };
      try {
        return { request, ...await this.#dial(signal) };
      } catch (error) {
        if (error instanceof UmbraError) {
          await client.answer(request.refuse(error.code), signal);
        }
        throw error;
      }
    } catch (error) {
      report.fail(error);
      await client.hangUp(signal);
      return undefined;
    }
  }

  /** A stream for an inbound that serves its requests itself. */
  async #openStream(
    address: Address,
    report: ConnectionReport,
    signal: AbortSignal,
  ): Promise<OutboundStream> {
    report.target = formatAddress(address);
    const { protocol, server } = await this.#dial(signal);
    return new OutboundStream(address, server, protocol.client(), report);
  }

  /** Lets the application send datagrams for as long as it stays connected. */
  async #associate(
    client: LocalClient,
    { address, accept }: InboundRequest,
    signal: AbortSignal,
  ): Promise<void> {
    using association = this.#udp!.associate(client.connection, address);
    await client.answer(accept(association.relay), signal);
    await drain(client.reader, AbortSignal.any([signal, association.signal]));
  }

  async #dial(signal: AbortSignal): Promise<DialledServer> {
    if (this.#options.mode === "udp_only") {
      throw new ProtocolError("ERR_SOCKS_COMMAND", "This relays UDP only");
    }
    return await this.#upstreams.dial(signal);
  }

  async #relay(
    client: LocalClient,
    { request, protocol, server }: Opened,
    report: ConnectionReport,
    signal: AbortSignal,
  ): Promise<void> {
    const { connection, reader, writer } = client;
    const session = protocol.client();
    try {
      await client.answer(request.accept(server.local), signal);
      const payload = request.payload.length > 0
        ? request.payload
        : await client.firstPayload(signal);
      report.bytesUp += payload.length;
      await relay(
        {
          first: session.request(request.address, payload),
          recycle: (chunk) => connection.recycle?.(chunk),
          source: reader,
          sink: new ByteWriter(server),
          convert: (bytes, allocate) => session.seal(bytes, allocate),
          count: (plain) => report.bytesUp += plain,
        },
        {
          recycle: (chunk) => server.recycle?.(chunk),
          source: new ByteReader(server),
          sink: writer,
          convert: (bytes, allocate) => session.open(bytes, allocate),
          end: () => {
            session.end();
            if (request.unanswered !== undefined && report.bytesDown === 0) {
              throw new ProtocolError(request.unanswered, NO_BIND);
            }
          },
          count: (_sealed, opened) => report.bytesDown += opened,
        },
        this.#relayOptions(signal),
      );
    } finally {
      session.free();
    }
  }

  /** Relays what follows a change of protocols. */
  async #goOn(
    client: LocalClient,
    { request, stream }: Switched,
    signal: AbortSignal,
  ): Promise<void> {
    const { connection, reader, writer } = client;
    await client.answer(request.accept(connection.local), signal);
    if (request.payload.length > 0) await stream.write(request.payload, signal);
    const [up, down] = stream.flows({
      reader,
      writer,
      recycle: (chunk) => connection.recycle?.(chunk),
    });
    await relay(up, down, this.#relayOptions(signal));
  }

  #relayOptions(signal: AbortSignal): RelayOptions {
    return {
      buffers: this.#world.transport.buffers,
      clock: this.#world.clock,
      idleTimeoutMs: this.#options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
      halfClosedIdleTimeoutMs: HALF_CLOSED_IDLE_TIMEOUT_MS,
      signals: [signal],
    };
  }
}

const NO_BIND = "Server does not serve BIND: start it with --bind";
