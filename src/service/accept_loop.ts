/**
 * The accept loop of every TCP service. It accepts connections up to a limit,
 * continues after failures to accept, and stops gracefully.
 *
 * @module
 */
import { pause } from "../clock.ts";
import { detach, tellDefect } from "../defect.ts";
import { ProtocolError, TransportError } from "../errors.ts";
import {
  ACCEPT_BACKOFF_MS,
  ACCEPT_RECOVERED_MS,
  MAX_ACCEPT_BACKOFF_MS,
  RESUME_ACCEPT_SHARE,
  SHORTAGE_SHARE,
  STRANGERS_SHARE,
} from "../limits.ts";
import type { Accepted, Connection, Endpoint, Listener } from "../transport.ts";
import { Episode } from "./episode.ts";
import { introduce, type IsProxy } from "./introduction.ts";
import type { Dependencies, Service } from "./service.ts";
import { type Place, Strangers } from "./server/strangers.ts";

/** The limits on open connections. */
export interface ConnectionLimits {
  /** All connections. */
  readonly maxConnections: number;
  /**
   * Connections that have not authenticated, which may be open only to use up
   * the limit. When there are more, the oldest is closed for the next
   * connection. Default: no limit, and none is closed.
   */
  readonly maxStrangers?: number;
  /** Connections of one client address. Default: no limit. */
  readonly maxPerHost?: number | undefined;
  /**
   * True for hosts whose connections start with a PROXY header. Default: none.
   */
  readonly isProxy?: IsProxy | undefined;
}

/** Serves one accepted connection, and handles the errors that it expects. */
export type ConnectionHandler = (
  accepted: Accepted,
  /** Aborted when the service stops waiting for the connection. */
  signal: AbortSignal,
  place: Place,
) => Promise<void>;

/**
 * Accepts connections, passes each to `handle`, and closes it afterwards.
 *
 * At the limit, and when there are too many unauthenticated connections, the
 * oldest unauthenticated one is closed. If there is none, nothing is accepted:
 * clients wait in the system's backlog until some connections have ended. If
 * accepting fails (usually because no descriptors are left), it is repeated
 * after a wait that doubles. Each of these states is logged once, until it is
 * over.
 *
 * @param listener The service owns it from now on.
 */
export function serve(
  listener: Listener,
  limits: ConnectionLimits,
  handle: ConnectionHandler,
  dependencies: Required<Dependencies>,
): Service {
  return new AcceptLoop(listener, limits, handle, dependencies);
}

class AcceptLoop implements Service {
  readonly #listener: Listener;
  readonly #limits: ConnectionLimits;
  readonly #handle: ConnectionHandler;
  readonly #dependencies: Required<Dependencies>;
  readonly #stop = new AbortController();
  /** Number of open connections. */
  #open = 0;
  readonly #strangers: Strangers;
  /** Open connections by client address, if those are limited. */
  readonly #hosts = new Map<string, number>();
  readonly #accepting: Promise<void>;
  /** Resolves when another connection has ended. */
  #freed: PromiseWithResolvers<void> | undefined;
  /** Lasts while there are too many connections, of all clients together. */
  readonly #overload: Episode;
  /** Lasts while there are too few descriptors. */
  readonly #shortage: Episode;
  /** Aborted when accepting must end. */
  readonly #closing = new AbortController();
  /** The limit, or a lower one after descriptors ran out. */
  #maxConnections: number;
  /** The time of the last failure to accept, until accepting has recovered. */
  #failedAtMs: number | undefined;
  #failureTold = false;

  constructor(
    listener: Listener,
    limits: ConnectionLimits,
    handle: ConnectionHandler,
    dependencies: Required<Dependencies>,
  ) {
    this.#listener = listener;
    this.#limits = limits;
    this.#maxConnections = limits.maxConnections;
    this.#overload = new Episode(dependencies.clock);
    this.#shortage = new Episode(dependencies.clock);
    this.#strangers = new Strangers(
      limits.maxStrangers ?? Infinity,
      this.#overload,
      dependencies,
    );
    this.#handle = handle;
    this.#dependencies = dependencies;
    this.#accepting = this.#acceptAll();
  }

  get address(): Endpoint {
    return this.#listener.address;
  }

  async stop(graceMs: number): Promise<void> {
    this.#closing.abort();
    this.#strangers.stop();
    this.#listener.close();
    this.#tellFreed();
    const wait = new AbortController();
    const finished = this.#finished();
    await Promise.race([
      finished,
      ...graceMs === Infinity
        ? []
        : [pause(this.#dependencies.clock, graceMs, wait.signal)],
    ]);
    wait.abort();
    this.#stop.abort(
      new TransportError("ERR_NET_ABORTED", "The service is stopping"),
    );
    await finished;
  }

  async #finished(): Promise<void> {
    await this.#accepting;
    while (this.#open > 0) await this.#untilFreed();
  }

  async #acceptAll(): Promise<void> {
    for (;;) {
      if (this.#isFull) await this.#room();
      if (this.#strangers.tooMany) await this.#strangers.room();
      const accepted = await this.#accept();
      if (accepted === undefined) return;
      detach(this.#serve(accepted), "connection", this.#dependencies);
    }
  }

  get #isFull(): boolean {
    return this.#open >= this.#maxConnections &&
      !this.#closing.signal.aborted;
  }

  /**
   * Makes room: closes an unauthenticated connection, or waits for another end.
   */
  async #room(): Promise<void> {
    while (await this.#strangers.replace(() => this.#isFull)) {
      if (this.#isFull) await this.#untilFreed();
    }
    if (this.#isFull) await this.#crowd();
  }

  /** Waits until there is enough room below the limit, or the service stops. */
  async #crowd(): Promise<void> {
    if (this.#overload.happens()) {
      this.#dependencies.logger.log(
        "warn",
        "connection limit reached, new clients wait",
        { limit: this.#maxConnections },
      );
    }
    const enough = Math.min(
      this.#maxConnections - 1,
      Math.floor(this.#maxConnections * RESUME_ACCEPT_SHARE),
    );
    while (this.#open > enough && !this.#closing.signal.aborted) {
      await this.#untilFreed();
    }
  }

  /** Waits until a connection has ended, or the service stops. */
  #untilFreed(): Promise<void> {
    this.#freed ??= Promise.withResolvers();
    return this.#freed.promise;
  }

  #tellFreed(): void {
    this.#freed?.resolve();
    this.#freed = undefined;
  }

  /**
   * Counts the connection for its client's address. Returns `false` if the
   * address has too many.
   */
  #enter(connection: Connection): boolean {
    const { maxPerHost = Infinity } = this.#limits;
    const { logger, metrics } = this.#dependencies;
    const { host } = connection.remote;
    const count = this.#hosts.get(host) ?? 0;
    if (count < maxPerHost) {
      if (maxPerHost < Infinity) this.#hosts.set(host, count + 1);
      metrics.connectionOpened();
      return true;
    }
    const code = "ERR_POLICY_HOST_CONNECTIONS";
    metrics.connectionRefused(code);
    logger.log("info", "connection limit of an address reached", {
      client: host,
      code,
      limit: maxPerHost,
    });
    return false;
  }

  #leave(connection: Connection): void {
    this.#dependencies.metrics.connectionReleased();
    if (this.#limits.maxPerHost === undefined) return;
    const { host } = connection.remote;
    const others = (this.#hosts.get(host) ?? 1) - 1;
    if (others > 0) this.#hosts.set(host, others);
    else this.#hosts.delete(host);
  }

  /** Returns the next connection; `undefined` once the service stops. */
  async #accept(): Promise<Accepted | undefined> {
    const { clock } = this.#dependencies;
    for (let backoffMs = ACCEPT_BACKOFF_MS;; backoffMs *= 2) {
      try {
        const accepted = await this.#listener.accept();
        this.#acceptWorked();
        return accepted;
      } catch (error) {
        this.#acceptFailed(error);
        const waitMs = Math.min(backoffMs, MAX_ACCEPT_BACKOFF_MS);
        await pause(clock, waitMs, this.#closing.signal);
        if (this.#closing.signal.aborted) return undefined;
      }
    }
  }

  #acceptFailed(error: unknown): void {
    const { clock, logger } = this.#dependencies;
    const code = error instanceof TransportError ? error.code : undefined;
    if (code === "ERR_NET_DESCRIPTORS") this.#shrink();
    if (this.#shortage.happens()) {
      this.#failureTold = true;
      logger.log("warn", "cannot accept connections, will keep trying", {
        code,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
    this.#failedAtMs = clock.monotonicMs();
  }

  /** Lowers the limit, because there are fewer descriptors than it assumes. */
  #shrink(): void {
    // The overload that follows from this is not logged.
    this.#overload.happens();
    const share = Math.floor(this.#open * SHORTAGE_SHARE);
    // Without open connections, other code has used up the descriptors.
    if (share === 0) return;
    this.#maxConnections = Math.min(this.#maxConnections, share);
    this.#strangers.limitTo(this.#maxConnections * STRANGERS_SHARE);
  }

  /** Restores the limit once the shortage is over. */
  #grow(): void {
    const { maxConnections } = this.#limits;
    if (this.#maxConnections === maxConnections || this.#shortage.lasts) return;
    this.#maxConnections = maxConnections;
    this.#strangers.limitTo(Infinity);
  }

  /**
   * Logs the recovery after a while, since accepts also succeed between
   * failures.
   */
  #acceptWorked(): void {
    const { clock, logger } = this.#dependencies;
    if (this.#failedAtMs === undefined) return;
    const sinceMs = clock.monotonicMs() - this.#failedAtMs;
    if (sinceMs < ACCEPT_RECOVERED_MS) return;
    this.#failedAtMs = undefined;
    if (this.#failureTold) logger.log("info", "accepting again");
    this.#failureTold = false;
  }

  async #serve(accepted: Accepted): Promise<void> {
    const { connection } = accepted;
    this.#open++;
    const place = this.#strangers.add(connection);
    let entered: Connection | undefined;
    try {
      const named = this.#limits.isProxy?.(connection.remote.host)
        ? await this.#introduced(accepted)
        : accepted;
      if (named === undefined || !this.#enter(named.connection)) return;
      entered = named.connection;
      await this.#handle(named, this.#stop.signal, place);
    } catch (error) {
      // Handlers expect errors of peers and networks, so this is a defect.
      tellDefect(error, "connection handler", this.#dependencies);
    } finally {
      if (entered !== undefined) this.#leave(entered);
      this.#end(connection, place);
    }
  }

  /** Reads the client's address from the proxy's header. */
  async #introduced(accepted: Accepted): Promise<Accepted | undefined> {
    const { signal } = this.#stop;
    try {
      return await introduce(accepted, signal, this.#dependencies);
    } catch (error) {
      this.#tellProxy(error, accepted.connection);
      return undefined;
    }
  }

  #end(connection: Connection, place: Place): void {
    place.admit();
    connection.close();
    this.#open--;
    this.#grow();
    this.#tellFreed();
  }

  /**
   * Logs a proxy that sends no valid header; a proxy that disconnects is not
   * logged.
   */
  #tellProxy(error: unknown, { remote }: Connection): void {
    if (error instanceof TransportError) return;
    if (!(error instanceof ProtocolError)) throw error;
    const { logger, metrics } = this.#dependencies;
    metrics.connectionRefused(error.code);
    logger.log("warn", "proxy sent no valid PROXY header", {
      client: remote.host,
      code: error.code,
      reason: error.message,
    });
  }
}
