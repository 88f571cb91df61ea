/**
 * One connection of a client to `ss-server`: authenticate, dial, relay.
 *
 * To a client that has not proved to know the key the server is silent: it
 * sends nothing and does not close before the client does or one deadline
 * passes, counted from accept and the same for silence, for garbage and for
 * a request that never becomes complete. Afterwards failures are prompt.
 *
 * @module
 */
import type { Allocate } from "../../buffer_pool.ts";
import { abortable, Deadline } from "../../clock.ts";
import { type Address, formatAddress } from "../../codec/address.ts";
import { isBindTarget } from "../../codec/bind_request.ts";
import type { Method } from "../../crypto/method.ts";
import { ProtocolError } from "../../errors.ts";
import {
  CONNECT_TIMEOUT_MS,
  HALF_CLOSED_IDLE_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  SERVER_HANDSHAKE_JITTER,
  SERVER_HANDSHAKE_TIMEOUT_MS,
} from "../../limits.ts";
import { randomBelow } from "../../random.ts";
import { anyTarget, type TargetPolicy } from "../../security/target_policy.ts";
import type {
  ServerSession,
  StreamProtocol,
  StreamRequest,
} from "../../session/stream_protocol.ts";
import { ByteReader } from "../../streams/byte_reader.ts";
import { ByteWriter } from "../../streams/byte_writer.ts";
import { drain } from "../../streams/drain.ts";
import { type Flow, relay } from "../../streams/relay.ts";
import type { Connection } from "../../transport.ts";
import type { Visit } from "./account.ts";
import type { Accounts } from "./accounts.ts";
import { type AcceptedPeer, acceptPeer } from "./bind.ts";
import { ConnectionReport } from "../connection_report.ts";
import { dial } from "../outbound/dial.ts";
import type { Dependencies } from "../service.ts";
import type { Place } from "./strangers.ts";

/** How a server treats the connections of its clients. */
export interface ClientOptions {
  /** Cipher of both directions; named where a wrong one may be the cause. */
  readonly method: Method;
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
}

/** The server of a connection; what it says may change meanwhile. */
export interface ConnectionServer {
  /** How clients are treated from now on. */
  readonly options: ClientOptions;
  /** Makes sessions. */
  readonly streams: StreamProtocol;
  /** Where users are counted. */
  readonly accounts: Accounts;
  /** The world it runs in. */
  readonly world: Required<Dependencies>;
}

/** How a connection was accepted. */
export interface Acceptance {
  /** Aborted when the service gives up waiting for it. */
  readonly signal: AbortSignal;
  /** Its place among the others. */
  readonly place: Place;
}

/** Bytes that go ahead of what is relayed. */
interface FirstBytes {
  readonly up: Uint8Array;
  readonly down?: Uint8Array;
}

/** Serves one client; closes what it has dialled, but not the client. */
export class ClientConnection {
  readonly #client: Connection;
  readonly #server: ConnectionServer;
  readonly #signal: AbortSignal;
  readonly #place: Place;
  readonly #report: ConnectionReport;
  readonly #reader: ByteReader;
  readonly #session: ServerSession;

  /** Begins a session. */
  constructor(
    client: Connection,
    server: ConnectionServer,
    { signal, place }: Acceptance,
  ) {
    this.#client = client;
    this.#server = server;
    this.#signal = signal;
    this.#place = place;
    this.#report = new ConnectionReport(client, server.world);
    this.#reader = new ByteReader(client);
    this.#session = server.streams.server(() => client.remote.host);
  }

  /** Serves it to its end; what peers and networks do is no error. */
  async serve(): Promise<void> {
    try {
      const request = await this.#authenticate();
      if (request === undefined) return;
      this.#place.admit();
      await this.#serveRequest(request);
    } finally {
      this.#session.free();
    }
  }

  /** Reads the request; one deadline covers it and the silence if it fails. */
  async #authenticate(): Promise<StreamRequest | undefined> {
    using patience = this.#patience();
    const report = this.#report;
    try {
      const request = await this.#readRequest(patience.signal);
      if (request === undefined) {
        report.close("client left before its request was complete");
      }
      return request;
    } catch (error) {
      if (this.#place.dismissed) report.close("had to leave for others");
      else report.fail(error, this.#server.options.method);
      if (error instanceof ProtocolError) {
        await drain(this.#reader, patience.signal);
      }
      return undefined;
    }
  }

  /** `undefined` when the client ended its side before the request was there. */
  async #readRequest(signal: AbortSignal): Promise<StreamRequest | undefined> {
    for (;;) {
      const bytes = await this.#reader.read(signal);
      if (bytes === undefined) return undefined;
      const request = this.#session.accept(bytes);
      if (request !== undefined) return request;
    }
  }

  async #serveRequest(request: StreamRequest): Promise<void> {
    const report = this.#report;
    const { options, accounts } = this.#server;
    try {
      report.target = formatAddress(request.address);
      report.user = request.user;
      const { host } = this.#client.remote;
      using visit = accounts.connect(request.user, host);
      const { target, payload, reply } =
        options.bind === true && isBindTarget(request.address)
          ? await this.#acceptPeer(request.payload)
          : {
            target: await this.#dial(request.address),
            payload: request.payload,
            reply: undefined,
          };
      try {
        const first = { up: payload, ...reply && { down: reply } };
        await this.#relay(target, first, visit);
      } finally {
        target.close();
      }
      report.close("done");
    } catch (error) {
      report.fail(error, this.#server.options.method);
      if (error instanceof ProtocolError) {
        // Somebody tampers with the stream: not a sign at which byte we saw.
        using silence = this.#patience();
        await drain(this.#reader, silence.signal);
      }
    }
  }

  #relay(
    target: Connection,
    first: FirstBytes,
    visit: Visit,
  ): Promise<void> {
    const session = this.#session;
    const report = this.#report;
    const { options, world } = this.#server;
    visit.count("up", first.up.length);
    report.bytesUp += first.up.length;
    const ends = { client: this.#client, target, session, visit, report };
    return relay(
      new ToTarget(ends, this.#reader, first.up),
      new ToClient(ends, first.down && session.seal(first.down)),
      {
        buffers: world.transport.buffers,
        clock: world.clock,
        idleTimeoutMs: options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
        halfClosedIdleTimeoutMs: HALF_CLOSED_IDLE_TIMEOUT_MS,
        signals: visit.signal ? [this.#signal, visit.signal] : [this.#signal],
      },
    );
  }

  /** How long a client may take to be understood, or to go away. */
  #patience(): Deadline {
    const { options, world: { clock, randomBytes } } = this.#server;
    const timeoutMs = options.handshakeTimeoutMs ?? SERVER_HANDSHAKE_TIMEOUT_MS;
    const jitterMs = randomBelow(
      Math.ceil(timeoutMs * SERVER_HANDSHAKE_JITTER),
      randomBytes,
    );
    return new Deadline(
      clock,
      timeoutMs + jitterMs,
      "ERR_NET_TIMEOUT",
      this.#signal,
    );
  }

  /** BIND: the target comes to us. */
  async #acceptPeer(payload: Uint8Array): Promise<AcceptedPeer> {
    const { options, world: { transport, clock } } = this.#server;
    const signal = this.#signal;
    const writer = new ByteWriter(this.#client);
    return await acceptPeer(payload, {
      transport,
      clock,
      policy: options.targetPolicy ?? anyTarget,
      host: this.#client.local.host,
      signal,
      send: (reply) =>
        abortable(writer.write(this.#session.seal(reply)), signal),
    });
  }

  #dial(address: Address): Promise<Connection> {
    const { options, world: { transport, clock, metrics } } = this.#server;
    return dial(address, {
      transport,
      clock,
      metrics,
      policy: options.targetPolicy ?? anyTarget,
      timeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      signal: this.#signal,
    });
  }
}

/** What both directions of a relay know of each other. */
interface Ends {
  readonly client: Connection;
  readonly target: Connection;
  readonly session: ServerSession;
  readonly visit: Visit;
  readonly report: ConnectionReport;
}

/** Opens; a class, since thousands that are quiet are held at once. */
class ToTarget implements Flow {
  readonly source: ByteReader;
  readonly sink: ByteWriter;
  readonly first: Uint8Array;
  readonly #ends: Ends;

  constructor(ends: Ends, source: ByteReader, first: Uint8Array) {
    this.#ends = ends;
    this.source = source;
    this.sink = new ByteWriter(ends.target);
    this.first = first;
  }

  convert(sealed: Uint8Array, allocate: Allocate): Uint8Array {
    return this.#ends.session.open(sealed, allocate);
  }

  recycle(chunk: Uint8Array): void {
    this.#ends.client.recycle?.(chunk);
  }

  end(): void {
    this.#ends.session.end();
  }

  admit(_sealed: number, opened: number): number {
    return this.#ends.visit.count("up", opened);
  }

  count(_sealed: number, opened: number): void {
    this.#ends.report.bytesUp += opened;
  }
}

/** Seals. */
class ToClient implements Flow {
  readonly source: ByteReader;
  readonly sink: ByteWriter;
  readonly first?: Uint8Array;
  readonly #ends: Ends;

  constructor(ends: Ends, first: Uint8Array | undefined) {
    this.#ends = ends;
    this.source = new ByteReader(ends.target);
    this.sink = new ByteWriter(ends.client);
    if (first !== undefined) this.first = first;
  }

  convert(plain: Uint8Array, allocate: Allocate): Uint8Array {
    return this.#ends.session.seal(plain, allocate);
  }

  recycle(chunk: Uint8Array): void {
    this.#ends.target.recycle?.(chunk);
  }

  /**
   * A chunk that breaks off: FIN alone would tell that the target has ended.
   * Without an answer there is nothing that could pass for whole; and a peer
   * that tampers is told nothing.
   */
  broken(reason: unknown): Uint8Array | undefined {
    const { session, report } = this.#ends;
    return report.bytesDown === 0 || reason instanceof ProtocolError
      ? undefined
      : session.seal(new Uint8Array(1)).subarray(0, -1);
  }

  admit(plain: number): number {
    return this.#ends.visit.count("down", plain);
  }

  count(plain: number): void {
    this.#ends.report.bytesDown += plain;
  }
}
