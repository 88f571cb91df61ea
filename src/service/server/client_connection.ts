/**
 * One connection of a client to `ss-server`: authenticate, dial, relay.
 *
 * A client that has not authenticated gets no answer: the server sends nothing,
 * and closes only after the client does or a deadline passes. The deadline
 * counts from accept. It is the same for silence, for invalid bytes and for a
 * request that stays incomplete. After authentication, failures end the
 * connection promptly. If the operator has configured redirect sites, invalid
 * requests are relayed to one of them.
 *
 * @module
 */
import { concat, NOTHING } from "../../bytes.ts";
import { abortable, Deadline, pause } from "../../clock.ts";
import { type Address, formatAddress } from "../../codec/address.ts";
import { isBindTarget } from "../../codec/bind_request.ts";
import type { Method } from "../../crypto/method.ts";
import {
  type ErrorCode,
  PolicyError,
  ProtocolError,
  UmbraError,
} from "../../errors.ts";
import type { StopSignal } from "../../on_abort.ts";
import { SERVER_HANDSHAKE_JITTER } from "../../limits.ts";
import { randomBelow } from "../../random.ts";
import type { TargetPolicy } from "../../security/target_policy.ts";
import type { ServerProtocol } from "../../session/family.ts";
import { replayed } from "../../session/replay.ts";
import type {
  AcceptStep,
  ServerSession,
  StreamRequest,
} from "../../session/stream_protocol.ts";
import { Channel, type Direction } from "../../streams/channel.ts";
import { drain } from "../../streams/drain.ts";
import { hearOut } from "../../streams/hear_out.ts";
import { type Passage, relay } from "../../streams/relay.ts";
import type { Connection } from "../../transport.ts";
import type { LimitedUser, Visit } from "./account.ts";
import type { Accounts } from "./accounts.ts";
import { ConnectionReport } from "../connection_report.ts";
import type { ServiceOptions } from "../options.ts";
import type { Router } from "../outbound/outbound.ts";
import type { Dependencies } from "../service.ts";
import { isClientBlocked, type ServerRoutes } from "../routing/server_rules.ts";
import { acceptPeer } from "./bind.ts";
import { Pace } from "./pace.ts";
import { redirectStranger } from "./redirect.ts";
import type { Place } from "./strangers.ts";

/** The options for connections of clients. */
export interface ServingOptions extends ServiceOptions {
  /**
   * Cipher of both directions; named in the log if a wrong one may be the
   * cause.
   */
  readonly method: Method;
  /** The policy for targets. */
  readonly targetPolicy: TargetPolicy;
  /** Further rules about clients and targets; default: all are allowed. */
  readonly routes?: ServerRoutes | undefined;
  /** Milliseconds for a valid request; lengthened at random. */
  readonly handshakeTimeoutMs: number;
  /**
   * The user that clients without a name are counted for. Default: none,
   * without limits.
   */
  readonly owner?: LimitedUser | undefined;
  /**
   * Payload bytes a second of each TCP connection, for each direction
   * separately, in addition to the rate of its user. Default: no limit.
   */
  readonly connectionBytesPerSecond?: number | undefined;
  /**
   * Sites that invalid requests are relayed to, one for each client address.
   * Default: none, and such requests get no answer.
   */
  readonly redirect?: readonly Address[] | undefined;
}

/** What a connection needs of its server; the values may change meanwhile. */
export interface ConnectionServer {
  /** The present options for clients. */
  readonly options: ServingOptions;
  /** Makes sessions. */
  readonly protocol: ServerProtocol;
  /** Chooses the way to targets. */
  readonly router: Router;
  /** The accounts of users. */
  readonly accounts: Accounts;
  /** The dependencies of the server. */
  readonly world: Required<Dependencies>;
}

/** The circumstances of an accepted connection. */
export interface Acceptance {
  /** Aborted when the service stops waiting for the connection. */
  readonly signal: AbortSignal;
  /** The connection's place among the unauthenticated ones. */
  readonly place: Place;
}

/** The destination of a client's payload. */
interface Destination {
  readonly channel: Channel;
  /** Bytes that the client gets before those of the target. */
  readonly greeting?: Uint8Array;
}

/**
 * Serves one client. It closes what it opened, but not the client's connection.
 */
export class ClientConnection {
  readonly #client: Channel;
  readonly #session: ServerSession;
  readonly #server: ConnectionServer;
  readonly #signal: AbortSignal;
  readonly #place: Place;
  readonly #report: ConnectionReport;
  /**
   * The bytes of an unauthenticated client that is redirected if its request is
   * invalid; the session limits their number.
   */
  #received: Uint8Array[] | undefined;
  /**
   * The dial that began while it was still unknown if the request is new; not
   * set otherwise.
   */
  #early: EarlyDial | undefined;

  /** Starts a session. */
  constructor(
    client: Connection,
    server: ConnectionServer,
    { signal, place }: Acceptance,
  ) {
    this.#session = server.protocol.stream(() => client.remote.host);
    this.#client = new Channel(client, this.#session);
    this.#server = server;
    this.#signal = signal;
    this.#place = place;
    this.#report = new ConnectionReport(client, server.world);
    if (server.options.redirect?.length) this.#received = [];
  }

  /**
   * Serves the connection to its end. Errors of peers and networks are only
   * reported.
   */
  async serve(): Promise<void> {
    try {
      const request = await this.#authenticate();
      if (request === undefined) return;
      this.#place.admit();
      await this.#serveRequest(request);
    } finally {
      this.#early?.[Symbol.dispose]();
      this.#session.free();
    }
  }

  /**
   * Reads the request. One deadline covers it and the silence after a failure.
   */
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
      this.#early?.[Symbol.dispose]();
      if (this.#place.dismissed) report.close("closed for new connections");
      else report.fail(error, this.#server.options.method);
      const isStrange = error instanceof ProtocolError ||
        error instanceof PolicyError && error.code === "ERR_CLIENT_BLOCKED";
      if (isStrange && !await this.#redirect()) {
        await drain(this.#client.reader, patience.signal);
      }
      return undefined;
    }
  }

  /**
   * Returns `false` if the client must get no answer, or its site cannot be
   * reached.
   */
  async #redirect(): Promise<boolean> {
    const received = this.#received;
    if (received === undefined) return false;
    this.#received = undefined;
    return await redirectStranger(this.#client, {
      received: concat(...received),
      options: this.#server.options,
      world: this.#server.world,
      signal: this.#signal,
    });
  }

  /**
   * Returns `undefined` if the client ended its side before the request was
   * complete.
   */
  async #readRequest(signal: StopSignal): Promise<StreamRequest | undefined> {
    const { greeting } = this.#session;
    if (greeting?.length) await this.#reply(greeting, signal);
    if (this.#isBlocked) {
      throw new PolicyError(
        "ERR_CLIENT_BLOCKED",
        "The ACL refuses this client",
      );
    }
    for (;;) {
      const step = await hearOut(
        this.#client,
        (bytes) => this.#take(bytes),
        signal,
      );
      if (step === "end") return undefined;
      const { request, reply, question } = step;
      if (reply !== undefined) {
        // After a reply, a site could not continue the conversation.
        this.#received = undefined;
        await this.#reply(reply, signal);
      }
      const owned = request && this.#owned(request);
      if (question !== undefined) {
        if (owned !== undefined) this.#dialEarly(owned);
        await refuseUnlessNew(question, signal);
      }
      if (owned === undefined) continue;
      this.#received = undefined;
      return owned;
    }
  }

  #owned(request: StreamRequest): StreamRequest {
    const { owner } = this.#server.options;
    return { ...owner && { user: owner.name }, ...request };
  }

  /**
   * Dials while another node or the source is asked; nothing is relayed before
   * the answer.
   */
  #dialEarly(request: StreamRequest): void {
    if (this.#isBind(request)) return;
    this.#early = new EarlyDial(this.#dial(request));
  }

  #isBind({ address }: StreamRequest): boolean {
    return this.#server.options.bind === true && isBindTarget(address);
  }

  /** @returns The result of the bytes; `undefined` if more bytes are needed. */
  #take(bytes: Uint8Array | "end"): AcceptStep | "end" | undefined {
    if (bytes === "end") return "end";
    this.#received?.push(bytes);
    const step = this.#session.accept(bytes);
    return step.request ?? step.reply ?? step.question ? step : undefined;
  }

  #reply(bytes: Uint8Array, signal: StopSignal): Promise<void> {
    return abortable(this.#client.writer.reply(bytes), signal);
  }

  async #serveRequest(request: StreamRequest): Promise<void> {
    const report = this.#report;
    const { accounts } = this.#server;
    try {
      report.target = formatAddress(request.address);
      report.user = request.user;
      const { host } = this.#client.connection.remote;
      using visit = accounts.connect(request.user, host);
      const destination = this.#isBind(request)
        ? await this.#acceptPeerFor(visit, request.payload)
        : { channel: await this.#openFor(visit, request) };
      request.payload = NOTHING;
      try {
        await this.#relay(destination, visit);
      } catch (error) {
        this.#cut(destination.channel, error);
        throw error;
      } finally {
        destination.channel.close();
      }
      report.close("done");
    } catch (error) {
      report.fail(error, this.#server.options.method);
      if (error instanceof ProtocolError) {
        // The stream was tampered with. Silence hides at which byte this was
        // detected.
        using silence = this.#patience();
        await drain(this.#client.reader, silence.signal);
      }
    }
  }

  /**
   * Resets both sides, so that neither takes a cut stream for a complete one.
   */
  #cut(target: Channel, reason: unknown): void {
    target.cut();
    // A client whose stream was tampered with gets silence instead.
    if (!(reason instanceof ProtocolError)) this.#client.cut();
  }

  #relay({ channel, greeting }: Destination, visit: Visit): Promise<void> {
    const { options, world } = this.#server;
    const passage = options.connectionBytesPerSecond === undefined
      ? new CountedPassage(visit, this.#report)
      : new PacedPassage(visit, this.#report, this.#server);
    const begin = (): Promise<void> =>
      relay(this.#client, channel, passage, {
        idleTimeoutMs: options.idleTimeoutMs,
        buffers: world.transport.buffers,
        clock: world.clock,
        signals: visit.signal ? [this.#signal, visit.signal] : [this.#signal],
      }, {
        up: channel.begin(),
        down: greeting === undefined
          ? this.#session.answer?.() ?? NOTHING
          : this.#session.seal(greeting),
      });
    const bytes = channel.first.length;
    const waitMs = passage.pass("up", bytes);
    return waitMs < 0
      ? this.#untilKnown(passage, bytes, -waitMs).then(begin)
      : begin();
  }

  /**
   * Repeats the check until it is known if the first payload may be relayed.
   */
  async #untilKnown(
    passage: Passage,
    bytes: number,
    waitMs: number,
  ): Promise<void> {
    while (waitMs > 0) {
      await pause(this.#server.world.clock, waitMs, this.#signal);
      this.#signal.throwIfAborted();
      waitMs = -passage.pass("up", bytes);
    }
  }

  /**
   * The deadline for a client's request, and for the silence after a failure.
   */
  #patience(): Deadline {
    return new Deadline(this.#server.world.clock, {
      delayMs: patienceMs(this.#server),
      parent: this.#signal,
    });
  }

  /** Accepts a peer for BIND, once the user is admitted. */
  async #acceptPeerFor(
    visit: Visit,
    request: Uint8Array,
  ): Promise<Destination> {
    await visit.settled;
    return await this.#acceptPeer(request);
  }

  /** Serves BIND: the target connects to the server. */
  async #acceptPeer(request: Uint8Array): Promise<Destination> {
    const { options, world: { transport, clock } } = this.#server;
    const signal = this.#signal;
    const { connection, writer } = this.#client;
    const { target, payload, reply } = await acceptPeer(request, {
      transport,
      clock,
      policy: options.targetPolicy,
      host: connection.local.host,
      signal,
      send: (reply) =>
        abortable(writer.write(this.#session.seal(reply)), signal),
    });
    return {
      channel: new Channel(target, undefined, payload),
      greeting: reply,
    };
  }

  /**
   * True for a client that the ACL refuses; it is treated as unauthenticated.
   */
  get #isBlocked(): boolean {
    const { routes } = this.#server.options;
    return routes !== undefined &&
      isClientBlocked(routes, this.#client.connection.remote.host);
  }

  /**
   * Dials the target. If the user is of a fleet, it is admitted at the same
   * time.
   */
  #openFor(visit: Visit, request: StreamRequest): Promise<Channel> {
    const opening = this.#open(request);
    return visit.settled === undefined
      ? opening
      : unlessRefused(opening, visit.settled);
  }

  async #dial({ address, payload, user }: StreamRequest): Promise<Channel> {
    return await this.#server.router
      .choose({
        target: address,
        user,
        source: this.#client.connection.remote.host,
        inbound: "shadowsocks",
        network: "tcp",
      })
      .open(address, payload, this.#signal);
  }

  async #open(request: StreamRequest): Promise<Channel> {
    try {
      return await (this.#early?.take() ?? this.#dial(request));
    } catch (error) {
      if (error instanceof UmbraError) await this.#tell(error.code);
      throw error;
    }
  }

  /** Sends the reason of a failed dial, if the protocol has such messages. */
  async #tell(code: ErrorCode): Promise<void> {
    const answer = this.#session.answer?.(code) ?? NOTHING;
    if (answer.length > 0) await this.#reply(answer, this.#signal);
  }
}

/** A dial that is of no use if the request turns out to be a copy. */
class EarlyDial implements Disposable {
  readonly #opening: Promise<Channel>;
  #isTaken = false;

  constructor(opening: Promise<Channel>) {
    this.#opening = opening;
    // Its failure is of interest once the request is known to be new.
    opening.catch(() => {});
  }

  take(): Promise<Channel> {
    this.#isTaken = true;
    return this.#opening;
  }

  /** Closes what was opened in vain. */
  [Symbol.dispose](): void {
    if (this.#isTaken) return;
    this.#isTaken = true;
    this.#opening.then((channel) => channel.close(), () => {});
  }
}

/** Milliseconds for a client's request, lengthened at random. */
export function patienceMs(
  { options: { handshakeTimeoutMs }, world: { randomBytes } }: ConnectionServer,
): number {
  const most = Math.ceil(handshakeTimeoutMs * SERVER_HANDSHAKE_JITTER);
  return handshakeTimeoutMs + randomBelow(most, randomBytes);
}

/**
 * Counts payload for the user and the report. A class takes less memory than
 * closures, since thousands exist.
 */
class CountedPassage implements Passage {
  readonly #visit: Visit;
  readonly #report: ConnectionReport;

  constructor(visit: Visit, report: ConnectionReport) {
    this.#visit = visit;
    this.#report = report;
  }

  pass(direction: Direction, payloadBytes: number): number {
    const waitMs = this.#visit.count(direction, payloadBytes);
    if (waitMs >= 0) this.#report.count(direction, payloadBytes);
    return waitMs;
  }

  /**
   * Resets a broken stream only if something was sent to the client, and the
   * client did not tamper with it.
   */
  breaksOff(reason: unknown): boolean {
    return this.#report.bytesDown > 0 && !(reason instanceof ProtocolError);
  }
}

/** Also keeps the rate of one connection, as it is set at the time. */
class PacedPassage extends CountedPassage {
  readonly #pace = new Pace();
  readonly #server: ConnectionServer;

  constructor(
    visit: Visit,
    report: ConnectionReport,
    server: ConnectionServer,
  ) {
    super(visit, report);
    this.#server = server;
  }

  override pass(direction: Direction, payloadBytes: number): number {
    const waitMs = super.pass(direction, payloadBytes);
    // Nothing was counted yet.
    if (waitMs < 0) return waitMs;
    const { options, world: { clock } } = this.#server;
    const { connectionBytesPerSecond: rate = Infinity } = options;
    const nowMs = clock.monotonicMs();
    const ownMs = this.#pace.add(direction, payloadBytes, rate, nowMs);
    return Math.max(waitMs, ownMs);
  }
}

/** Refuses a request that cannot be confirmed as new. */
async function refuseUnlessNew(
  question: NonNullable<AcceptStep["question"]>,
  signal: StopSignal,
): Promise<void> {
  let isNew = false;
  try {
    isNew = await abortable(question, signal);
  } catch (error) {
    if (signal.aborted) throw error;
  }
  if (!isNew) throw replayed();
}

/** Waits for the channel and for the admission of the user. */
async function unlessRefused(
  opening: Promise<Channel>,
  admission: Promise<void>,
): Promise<Channel> {
  try {
    const [channel] = await Promise.all([opening, admission]);
    return channel;
  } catch (error) {
    opening.then((channel) => channel.close(), () => {});
    throw error;
  }
}
