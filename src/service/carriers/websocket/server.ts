/**
 * Shadowsocks inside WebSockets, on the side of `ss-server`, behind a web
 * server that terminates the clients' TLS.
 *
 * A request for any other path than the secret ones gets the usual 404 of a web
 * server. Behind a secret path, a client without the key gets no answer, as
 * over plain TCP and UDP.
 *
 * @module
 */
import { JointStop, type StopSignal } from "../../../on_abort.ts";
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

/** The options of a server's WebSockets. */
export interface WebSocketServerOptions {
  /** The address that the web server connects to. */
  readonly listen: Endpoint;
  /** The secret path for streams; default: none are served. */
  readonly tcpPath?: string;
  /** The secret path for packets; default: none are served. */
  readonly udpPath?: string;
  /**
   * Milliseconds between the last byte of a stream and its end, for clients
   * without half-close; default 0.
   */
  readonly closeDelayMs?: number | undefined;
  /** Proxies that may set the client's address (`X-Forwarded-For`). */
  readonly trustedProxies: readonly CidrBlock[];
}

/** The services behind the WebSockets of a server. */
export interface WebSocketTargets {
  /** Serves streams. */
  readonly server: ConnectionServer;
  /** Serves packets; if not set, packets are not served. */
  readonly udp?: UdpServerService | undefined;
}

/**
 * Starts to serve WebSockets.
 *
 * @throws {TransportError} If it cannot listen.
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

  /**
   * Serves the connection to its end. Errors of peers and networks are only
   * reported.
   */
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

  /**
   * @returns The function that serves the WebSocket, after the upgrade;
   * otherwise `undefined`.
   */
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

  /** Returns the function that serves the path of the request. */
  #choose(request: ReadRequest): (() => Promise<void>) | undefined {
    const { tcpPath, udpPath } = this.#options;
    const isFor = (path: string | undefined): boolean =>
      path !== undefined && isForPath(request.head, path);
    if (isFor(tcpPath)) return () => this.#serveStream(request);
    const { udp } = this.#targets;
    if (udp === undefined || !isFor(udpPath)) return undefined;
    return () => this.#servePackets(request, udp);
  }

  /** Answers as a web server does for a page that does not exist. */
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
      // A client that does not read the answer gets none.
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

  /**
   * Waits until the connection is closed or the service stops, so that it stays
   * counted.
   */
  async #untilClosed({ closed }: WebSocketLink): Promise<void> {
    const { signal } = this.#acceptance;
    const stopped = abortable(closed, signal);
    await stopped.catch(() => {
      // The accept loop closes the connection now.
    });
  }
}

/** Passes the packets of one WebSocket to the UDP service. */
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

  /** Serves until either side ends the association or it is idle. */
  async serve({ signal, place }: Acceptance): Promise<void> {
    const { world, options } = this.#server;
    using over = new JointStop(signal);
    const patience = patienceMs(this.#server);
    const timer = new IdleTimer(world.clock, {
      idleTimeoutMs: () => this.#isKnown ? options.udpTimeoutMs : patience,
      onIdle: () => over.abort(undefined),
    });
    const reply: PacketReply = {
      post: (packet, _to, posted) => {
        timer.touch();
        tellPosted(this.#packets.send(packet), posted);
      },
    };
    try {
      for (;;) {
        const payload = await abortable(this.#packets.receive(), over);
        if (payload === undefined) return;
        const isKnown = this.#udp.take({ payload, from: this.#from }, reply);
        // Packets that no key opens do not count as activity.
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
