/**
 * `ss-server`: opens what clients sealed, dials their targets, relays.
 *
 * To a client that has not proved to know the key the server is silent: it
 * sends nothing and does not close before the client does or one deadline
 * passes, counted from accept and the same for silence, for garbage and for
 * a request that never becomes complete. Afterwards failures are prompt.
 *
 * @module
 */
import { BufferPool } from "../buffer_pool.ts";
import { abortable, Deadline } from "../clock.ts";
import { type Address, formatAddress } from "../codec/address.ts";
import { isBindTarget } from "../codec/bind_request.ts";
import { ProtocolError } from "../errors.ts";
import {
  CONNECT_TIMEOUT_MS,
  HALF_CLOSED_IDLE_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  SERVER_HANDSHAKE_JITTER,
  SERVER_HANDSHAKE_TIMEOUT_MS,
  STRANGERS_SHARE,
} from "../limits.ts";
import { randomBelow } from "../random.ts";
import { anyTarget, type TargetPolicy } from "../security/target_policy.ts";
import {
  type ServerKeys,
  type ServerProtocol,
  serverProtocol,
} from "../session/edition.ts";
import type {
  ServerSession,
  StreamRequest,
} from "../session/stream_protocol.ts";
import { ByteReader } from "../streams/byte_reader.ts";
import { ByteWriter } from "../streams/byte_writer.ts";
import { drain } from "../streams/drain.ts";
import { relay } from "../streams/relay.ts";
import type { Connection, Endpoint } from "../transport.ts";
import { serve } from "./accept_loop.ts";
import type { Visit } from "./account.ts";
import { Accounts } from "./accounts.ts";
import { type AcceptedPeer, acceptPeer } from "./bind.ts";
import { ConnectionReport } from "./connection_report.ts";
import { dial } from "./dial.ts";
import {
  connectionShare,
  type Dependencies,
  type Service,
  withDefaults,
} from "./service.ts";
import type { Place } from "./strangers.ts";
import { startUdpServer, type UdpServerService } from "./udp_server.ts";
import {
  besideListener,
  flowCapacity,
  joined,
  type Mode,
  type UdpOptions,
  withWindows,
} from "./udp_service.ts";

/** How to run a server. */
export interface ServerOptions extends ServerKeys, UdpOptions {
  /** Where clients connect. */
  readonly listen: Endpoint;
  /** Default: `tcp_only`. UDP is on the port of TCP. */
  readonly mode?: Mode;
  /**
   * Where users are counted. Who gives them keeps them in line with the users.
   * Default: accounts of its own.
   */
  readonly accounts?: Accounts;
  /** What may be dialled; default: anything. */
  readonly targetPolicy?: TargetPolicy;
  /** Whether clients may have a connection accepted (BIND); default: no. */
  readonly bind?: boolean;
  /** Milliseconds without a byte; default 300,000. */
  readonly idleTimeoutMs?: number;
  /** Milliseconds to resolve and connect; default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds for a valid request, lengthened at random; default 60,000. */
  readonly handshakeTimeoutMs?: number;
  /** Open at once; default: what the descriptors allow. */
  readonly maxConnections?: number;
  /** Of one client address at once; default: no limit. */
  readonly maxConnectionsPerHost?: number;
}

/** What can be changed while a server runs: all but where and how it listens. */
export type ServerChange = Omit<
  ServerOptions,
  | "listen"
  | "mode"
  | "accounts"
  | "maxConnections"
  | "maxConnectionsPerHost"
  | "maxFlows"
>;

/** A running server. */
export interface ServerService extends Service {
  /**
   * Takes keys, users, limits, policy and times as they are from now on. No
   * connection is dropped but those of users that are gone or disabled.
   *
   * @throws {RangeError} As `startServer()`; nothing has changed then.
   */
  update(change: ServerChange): void;
}

/**
 * Tells whether a server could be started with these keys and users.
 *
 * @throws {RangeError} As `startServer()`.
 */
export function checkServer(
  keys: ServerKeys,
  dependencies: Dependencies,
): void {
  const forgetful = { sinceUnixMs: 0, add: () => true };
  const world = withWindows(withDefaults(dependencies));
  serverProtocol(keys, world, forgetful);
}

/**
 * Starts a server.
 *
 * @throws {TransportError} When it cannot listen.
 * @throws {RangeError} When keys are missing, or users cannot be told apart.
 */
export async function startServer(
  options: ServerOptions,
  dependencies: Dependencies,
): Promise<ServerService> {
  const world = withDefaults(dependencies);
  const { mode = "tcp_only" } = options;
  const server = new Server(options, world);
  const { accounts, protocol } = server;
  const shared = { ...options, accounts, protocol };
  if (mode === "udp_only") {
    const udp = await startUdpServer(shared, world);
    return withUpdate(udp, server, udp);
  }
  const listener = await world.transport.listen(options.listen, {
    reusePort: world.sharePorts,
  });
  const limit = world.transport.descriptorLimit();
  const withUdp = mode !== "tcp_only";
  const maxFlows = withUdp ? options.maxFlows ?? flowCapacity(limit) : 0;
  const udpOptions = { ...shared, listen: listener.address, maxFlows };
  const udp = withUdp
    ? await besideListener(listener, () => startUdpServer(udpOptions, world))
    : undefined;
  const share = connectionShare(options.maxConnections, world, maxFlows);
  const limits = {
    maxConnections: share,
    maxStrangers: Math.max(1, Math.floor(share * STRANGERS_SHARE)),
    maxPerHost: options.maxConnectionsPerHost,
  };
  const tcp = serve(
    listener,
    limits,
    (client, signal, place) => server.handle(client, signal, place),
    world,
  );
  return withUpdate(udp === undefined ? tcp : joined(tcp, udp), server, udp);
}

function withUpdate(
  service: Service,
  server: Server,
  udp: UdpServerService | undefined,
): ServerService {
  return {
    address: service.address,
    stop: (graceMs) => service.stop(graceMs),
    update(change): void {
      server.update(change);
      udp?.update({ ...change, protocol: server.protocol });
    },
  };
}

/** An authenticated client. */
interface ClientStream {
  readonly client: Connection;
  readonly reader: ByteReader;
  readonly session: ServerSession;
  /** Counts what the user moves. */
  readonly visit: Visit;
}

class Server {
  /** Of TCP and UDP alike. */
  readonly accounts: Accounts;
  readonly #world: Required<Dependencies>;
  readonly #buffers = new BufferPool();
  #options: ServerOptions;
  #protocol: ServerProtocol;
  readonly #ownsAccounts: boolean;

  constructor(options: ServerOptions, world: Required<Dependencies>) {
    this.#options = options;
    this.#world = world;
    this.#ownsAccounts = options.accounts === undefined;
    this.accounts = options.accounts ??
      new Accounts(options.users ?? [], world.clock);
    this.#protocol = this.#speak(options);
  }

  /** Of TCP and UDP alike; another one after another key. */
  get protocol(): ServerProtocol {
    return this.#protocol;
  }

  update(change: ServerChange): void {
    const next = { ...change, listen: this.#options.listen };
    if (sameKey(this.#options, next)) {
      this.#protocol.setUsers(next.users ?? []);
    } else {
      this.#protocol = this.#speak(next);
    }
    if (this.#ownsAccounts) this.accounts.set(next.users ?? []);
    this.#options = next;
  }

  async handle(
    client: Connection,
    signal: AbortSignal,
    place: Place,
  ): Promise<void> {
    const report = new ConnectionReport(client, this.#world);
    const reader = new ByteReader(client);
    const session = this.#protocol.streams.server(() => client.remote.host);
    try {
      const request = await this.#authenticate(
        reader,
        session,
        report,
        signal,
        place,
      );
      if (request !== undefined) {
        place.admit();
        const stream = { client, reader, session };
        await this.#serveRequest(stream, request, report, signal);
      }
    } finally {
      session.free();
    }
  }

  #speak(keys: ServerKeys): ServerProtocol {
    const filter = this.#world.replayFilter(keys.method.edition);
    return serverProtocol(keys, withWindows(this.#world), filter);
  }

  /** Reads the request; one deadline covers it and the silence if it fails. */
  async #authenticate(
    reader: ByteReader,
    session: ServerSession,
    report: ConnectionReport,
    signal: AbortSignal,
    place: Place,
  ): Promise<StreamRequest | undefined> {
    using patience = this.#patience(signal);
    try {
      const request = await readRequest(reader, session, patience.signal);
      if (request === undefined) {
        report.close("client left before its request was complete");
      }
      return request;
    } catch (error) {
      if (place.dismissed) report.close("had to leave for others");
      else report.fail(error, this.#options.method);
      if (error instanceof ProtocolError) {
        await drain(reader, patience.signal);
      }
      return undefined;
    }
  }

  async #serveRequest(
    stream: Omit<ClientStream, "visit">,
    request: StreamRequest,
    report: ConnectionReport,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      report.target = formatAddress(request.address);
      report.user = request.user;
      using visit = this.accounts.connect(
        request.user,
        stream.client.remote.host,
      );
      const { target, payload, reply } =
        this.#options.bind === true && isBindTarget(request.address)
          ? await this.#acceptPeer(stream, request, signal)
          : {
            target: await this.#dial(request.address, signal),
            payload: request.payload,
            reply: undefined,
          };
      const first = { up: payload, down: reply };
      try {
        await this.#relay(
          { ...stream, visit },
          target,
          first,
          report,
          signal,
        );
      } finally {
        target.close();
      }
      report.close("done");
    } catch (error) {
      report.fail(error, this.#options.method);
      if (error instanceof ProtocolError) {
        // Somebody tampers with the stream: not a sign at which byte we saw.
        using patience = this.#patience(signal);
        await drain(stream.reader, patience.signal);
      }
    }
  }

  async #relay(
    { client, reader, session, visit }: ClientStream,
    target: Connection,
    first: { up: Uint8Array; down: Uint8Array | undefined },
    report: ConnectionReport,
    signal: AbortSignal,
  ): Promise<void> {
    visit.count("up", first.up.length);
    report.bytesUp += first.up.length;
    await relay(
      {
        first: first.up,
        recycle: (chunk) => client.recycle?.(chunk),
        source: reader,
        sink: new ByteWriter(target),
        convert: (bytes, allocate) => session.open(bytes, allocate),
        end: () => session.end(),
        admit: (_sealed, opened) => visit.count("up", opened),
        count: (_sealed, opened) => report.bytesUp += opened,
      },
      {
        ...first.down && { first: session.seal(first.down) },
        recycle: (chunk) => target.recycle?.(chunk),
        source: new ByteReader(target),
        sink: new ByteWriter(client),
        convert: (bytes, allocate) => session.seal(bytes, allocate),
        admit: (plain) => visit.count("down", plain),
        count: (plain) => report.bytesDown += plain,
      },
      {
        buffers: this.#buffers,
        clock: this.#world.clock,
        idleTimeoutMs: this.#options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
        halfClosedIdleTimeoutMs: HALF_CLOSED_IDLE_TIMEOUT_MS,
        signals: [signal, visit.signal],
      },
    );
  }

  /** How long a client may take to be understood, or to go away. */
  #patience(signal: AbortSignal): Deadline {
    const { clock, randomBytes } = this.#world;
    const timeoutMs = this.#options.handshakeTimeoutMs ??
      SERVER_HANDSHAKE_TIMEOUT_MS;
    const jitterMs = randomBelow(
      Math.ceil(timeoutMs * SERVER_HANDSHAKE_JITTER),
      randomBytes,
    );
    return new Deadline(clock, timeoutMs + jitterMs, "ERR_NET_TIMEOUT", signal);
  }

  /** BIND: the target comes to us. */
  async #acceptPeer(
    { client, session }: Omit<ClientStream, "visit">,
    { payload }: StreamRequest,
    signal: AbortSignal,
  ): Promise<AcceptedPeer> {
    const { transport, clock } = this.#world;
    const writer = new ByteWriter(client);
    return await acceptPeer(payload, {
      transport,
      clock,
      policy: this.#options.targetPolicy ?? anyTarget,
      host: client.local.host,
      signal,
      send: (reply) => abortable(writer.write(session.seal(reply)), signal),
    });
  }

  #dial(address: Address, signal: AbortSignal): Promise<Connection> {
    const { transport, clock, metrics } = this.#world;
    return dial(address, {
      transport,
      clock,
      metrics,
      policy: this.#options.targetPolicy ?? anyTarget,
      timeoutMs: this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      signal,
    });
  }
}

function sameKey(one: ServerKeys, other: ServerKeys): boolean {
  return one.method === other.method &&
    one.masterKey?.join() === other.masterKey?.join();
}

/** The request; `undefined` when the client ended its side before it was there. */
async function readRequest(
  reader: ByteReader,
  session: ServerSession,
  signal: AbortSignal,
): Promise<StreamRequest | undefined> {
  for (;;) {
    const bytes = await reader.read(signal);
    if (bytes === undefined) return undefined;
    const request = session.accept(bytes);
    if (request !== undefined) return request;
  }
}
