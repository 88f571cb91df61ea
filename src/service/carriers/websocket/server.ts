/**
 * Shadowsocks inside WebSockets, at the end of `ss-server`: behind a web server
 * that speaks TLS with the clients.
 *
 * Whatever does not ask for one of the secret paths is answered as a web server
 * answers for what is not there. Behind a path the same holds as for plain
 * TCP and UDP: who does not know the key meets silence.
 *
 * @module
 */
import type { StopSignal } from "../../../on_abort.ts";
import { abortable, Deadline } from "../../../clock.ts";
import { ProtocolError, UmbraError } from "../../../errors.ts";
import { IdleTimer } from "../../../idle_timer.ts";
import {
  MAX_WEBSOCKET_MESSAGE,
  MAX_WEBSOCKET_PACKET,
  REFUSAL_LINGER_MS,
} from "../../../limits.ts";
import { type CidrBlock, isWithin } from "../../../security/target_policy.ts";
import {
  acceptUpgrade,
  forwardedFor,
  isForPath,
  NOT_FOUND,
  type ReadRequest,
  ServerUpgrade,
} from "../../../session/websocket/handshake.ts";
import { tellPosted } from "../../../posted.ts";
import { ByteReader } from "../../../streams/byte_reader.ts";
import { ByteWriter } from "../../../streams/byte_writer.ts";
import { drain } from "../../../streams/drain.ts";
import { WebSocketConnection } from "../../../streams/websocket_connection.ts";
import { WebSocketLink } from "../../../streams/websocket_link.ts";
import { WebSocketPackets } from "../../../streams/websocket_packets.ts";
import type { Connection, Endpoint } from "../../../transport.ts";
import {
  type ConnectionLimits,
  serve as serveConnections,
} from "../../accept_loop.ts";
import { ConnectionReport } from "../../connection_report.ts";
import {
  type Acceptance,
  ClientConnection,
  type ConnectionServer,
  patienceMs,
} from "../../server/client_connection.ts";
import type { Service } from "../../service.ts";
import type { PacketReply, UdpServerService } from "../../udp/udp_server.ts";

/** The address of WebSockets at a server. */
export interface WebSocketServerOptions {
  /** The address for the web server. */
  readonly listen: Endpoint;
  /** The path for streams; default: none. */
  readonly tcpPath?: string;
  /** The path for packets; default: none. */
  readonly udpPath?: string;
  /**
   * Milliseconds between the last byte of a stream and its end, which some
   * clients need; default 0.
   */
  readonly closeDelayMs?: number | undefined;
  /** The proxies that may name the client (`X-Forwarded-For`). */
  readonly trustedProxies: readonly CidrBlock[];
}

/** The services behind the WebSockets of a server. */
export interface WebSocketTargets {
  /** Serves streams. */
  readonly server: ConnectionServer;
  /** Serves packets; not set: there are none. */
  readonly udp?: UdpServerService | undefined;
}

/**
 * Starts to take WebSockets.
 *
 * @throws {TransportError} When it cannot listen.
 */
export async function startWebSockets(
  options: WebSocketServerOptions,
  targets: WebSocketTargets,
  limits: ConnectionLimits,
): Promise<Service> {
  const { world } = targets.server;
  const listener = await world.transport.listen(options.listen, {
    reusePort: world.sharePorts,
  });
  return serveConnections(
    listener,
    limits,
    ({ connection }, signal, place) =>
      new WebSocketClient(connection, options, targets, { signal, place })
        .serve(),
    world,
  );
}

/** One connection of the web server, or of another client. */
class WebSocketClient {
  readonly #connection: Connection;
  readonly #options: WebSocketServerOptions;
  readonly #targets: WebSocketTargets;
  readonly #acceptance: Acceptance;
  readonly #reader: ByteReader;
  readonly #writer: ByteWriter;
  readonly #report: ConnectionReport;

  constructor(
    connection: Connection,
    options: WebSocketServerOptions,
    targets: WebSocketTargets,
    acceptance: Acceptance,
  ) {
    this.#connection = connection;
    this.#options = options;
    this.#targets = targets;
    this.#acceptance = acceptance;
    this.#reader = new ByteReader(connection);
    this.#writer = new ByteWriter(connection);
    this.#report = new ConnectionReport(connection, targets.server.world);
  }

  /** Serves it to its end; what peers and networks do is no error. */
  async serve(): Promise<void> {
    const { server } = this.#targets;
    using patience = new Deadline(server.world.clock, {
      delayMs: patienceMs(server),
      code: "ERR_NET_TIMEOUT",
      parent: this.#acceptance.signal,
    });
    try {
      const serve = await this.#accept(patience.signal);
      patience.cancel();
      await serve?.();
    } catch (error) {
      this.#report.fail(error);
    }
  }

  /** @returns What is asked for, once that has been agreed to. */
  async #accept(
    signal: StopSignal,
  ): Promise<(() => Promise<void>) | undefined> {
    let request: ReadRequest | undefined;
    try {
      request = await this.#read(signal);
    } catch (error) {
      if (error instanceof ProtocolError) await this.#refuse();
      throw error;
    }
    if (request === undefined) {
      this.#report.close("client left before its request was complete");
      return undefined;
    }
    const serve = this.#choose(request);
    const accepted = serve && acceptUpgrade(request.head);
    if (accepted === undefined) {
      await this.#refuse();
      this.#report.close("asked for no WebSocket of this server");
      return undefined;
    }
    await abortable(this.#writer.write(accepted), signal);
    return serve;
  }

  async #read(signal: StopSignal): Promise<ReadRequest | undefined> {
    const upgrade = new ServerUpgrade();
    for (;;) {
      const bytes = await this.#reader.read(signal);
      if (bytes === undefined) return undefined;
      const request = upgrade.read(bytes);
      if (request !== undefined) return request;
    }
  }

  /** Chooses the service behind the path of the request. */
  #choose(request: ReadRequest): (() => Promise<void>) | undefined {
    const { tcpPath, udpPath } = this.#options;
    const isFor = (path: string | undefined): boolean =>
      path !== undefined && isForPath(request.head, path);
    if (isFor(tcpPath)) return () => this.#serveStream(request);
    const { udp } = this.#targets;
    if (udp === undefined || !isFor(udpPath)) return undefined;
    return () => this.#servePackets(request, udp);
  }

  /** Answers as a web server does for a page that it does not have. */
  async #refuse(): Promise<void> {
    const { clock } = this.#targets.server.world;
    using linger = new Deadline(clock, {
      delayMs: REFUSAL_LINGER_MS,
      code: "ERR_NET_TIMEOUT",
      parent: this.#acceptance.signal,
    });
    try {
      await abortable(this.#writer.write(NOT_FOUND), linger.signal);
      await abortable(this.#writer.close(), linger.signal);
      await drain(this.#reader, linger.signal);
    } catch (error) {
      // Who does not take the answer has none.
      if (!(error instanceof UmbraError)) throw error;
    }
  }

  async #serveStream(request: ReadRequest): Promise<void> {
    const link = this.#link(request, MAX_WEBSOCKET_MESSAGE);
    const connection = new WebSocketConnection(link, this.#clientOf(request));
    const { server } = this.#targets;
    try {
      await new ClientConnection(connection, server, this.#acceptance).serve();
    } finally {
      connection.close();
    }
    await this.#untilClosed(link);
  }

  async #servePackets(
    request: ReadRequest,
    udp: UdpServerService,
  ): Promise<void> {
    const link = this.#link(request, MAX_WEBSOCKET_PACKET);
    const packets = new WebSocketPackets(link);
    const association = new PacketAssociation(
      packets,
      this.#clientOf(request),
      udp,
      this.#targets.server,
    );
    try {
      await association.serve(this.#acceptance);
      this.#report.close("done");
    } finally {
      packets.close();
    }
    await this.#untilClosed(link);
  }

  #link({ rest }: ReadRequest, maxMessage: number): WebSocketLink {
    const { randomBytes, clock, transport: { buffers } } =
      this.#targets.server.world;
    return new WebSocketLink({
      connection: this.#connection,
      reader: this.#reader,
      writer: this.#writer,
      rest,
    }, {
      end: "server",
      ...{ maxMessage, randomBytes, clock, buffers },
      closeDelayMs: this.#options.closeDelayMs,
    });
  }

  #clientOf({ head }: ReadRequest): Endpoint {
    const { host, port } = this.#connection.remote;
    const { trustedProxies } = this.#options;
    const isTrusted = (ip: string): boolean => isWithin(ip, trustedProxies);
    return { host: forwardedFor(head, host, isTrusted), port };
  }

  /** The connection counts until it is closed, or the service stops. */
  async #untilClosed({ closed }: WebSocketLink): Promise<void> {
    const { signal } = this.#acceptance;
    const stopped = abortable(closed, signal);
    await stopped.catch(() => {
      // The accept loop closes it now.
    });
  }
}

/** The packets of one WebSocket, on their way to the UDP side of the server. */
class PacketAssociation {
  readonly #packets: WebSocketPackets;
  readonly #from: Endpoint;
  readonly #udp: UdpServerService;
  readonly #server: ConnectionServer;
  #isKnown = false;

  constructor(
    packets: WebSocketPackets,
    from: Endpoint,
    udp: UdpServerService,
    server: ConnectionServer,
  ) {
    this.#packets = packets;
    this.#from = from;
    this.#udp = udp;
    this.#server = server;
  }

  /** Serves until either end has had enough, or nothing has moved for long. */
  async serve({ signal, place }: Acceptance): Promise<void> {
    const { world, options } = this.#server;
    const quiet = new AbortController();
    const patience = patienceMs(this.#server);
    const timer = new IdleTimer(world.clock, {
      idleTimeoutMs: () => this.#isKnown ? options.udpTimeoutMs : patience,
      onIdle: () => quiet.abort(),
    });
    const reply: PacketReply = {
      post: (packet, _to, posted) => {
        timer.touch();
        tellPosted(this.#packets.send(packet), posted);
      },
    };
    const over = AbortSignal.any([quiet.signal, signal]);
    try {
      for (;;) {
        const payload = await abortable(this.#packets.receive(), over);
        if (payload === undefined) return;
        const isKnown = this.#udp.take({ payload, from: this.#from }, reply);
        // Who sends what no key opens is silent, as far as we can tell.
        if (!isKnown) continue;
        timer.touch();
        this.#isKnown = true;
        place.admit();
      }
    } catch (error) {
      if (!over.aborted) throw error;
    } finally {
      timer.stop();
      this.#udp.leave(reply);
    }
  }
}
