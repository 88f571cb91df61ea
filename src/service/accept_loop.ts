/**
 * The accept loop of every TCP service: it accepts connections up to a limit,
 * survives it when accepting fails, and stops with grace.
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
  /** Connections in all. */
  readonly maxConnections: number;
  /**
   * Those that were not admitted: who has not proved to belong here, and may
   * be there only to hold on to connections. The oldest of them leaves for the
   * next connection. Default: no limit, and none leaves.
   */
  readonly maxStrangers?: number;
  /** Those of one client address. Default: no limit. */
  readonly maxPerHost?: number | undefined;
  /** True for hosts that name their clients first. Default: for none. */
  readonly isProxy?: IsProxy | undefined;
}

/** Serves one accepted connection; expected errors are its own business. */
export type ConnectionHandler = (
  accepted: Accepted,
  /** Aborted when the service gives up waiting for it. */
  signal: AbortSignal,
  place: Place,
) => Promise<void>;

/**
 * Accepts connections and hands each to `handle`; closes it afterwards.
 *
 * At the limit, and when there are too many strangers, the oldest of them
 * leaves. Where there is none, nothing is accepted: clients wait in the system's
 * backlog until some connections have ended. When accepting fails (no
 * descriptors left, most often) it is tried again after a wait that doubles.
 * Each of these is logged once, until it is over.
 *
 * @param listener Owned by the service from now on.
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
  readonly #open = new Set<Connection>();
  readonly #strangers: Strangers;
  /** Open connections by client address, where they are limited. */
  readonly #hosts = new Map<string, number>();
  readonly #accepting: Promise<void>;
  /** Settles once another connection has ended. */
  #freed: PromiseWithResolvers<void> | undefined;
  /** There are too many connections, of all clients together. */
  readonly #overload: Episode;
  /** Too few descriptors. */
  readonly #shortage: Episode;
  /** Aborted when nothing shall be accepted any more. */
  readonly #closing = new AbortController();
  /** The limit, or less: as many as there were when descriptors ran out. */
  #maxConnections: number;
  /** The time of the last failure of accept, until it has recovered. */
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
    while (this.#open.size > 0) await this.#untilFreed();
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
    return this.#open.size >= this.#maxConnections &&
      !this.#closing.signal.aborted;
  }

  /** Makes room: a stranger leaves, or where there is none, others wait. */
  async #room(): Promise<void> {
    while (await this.#strangers.replace(() => this.#isFull)) {
      if (this.#isFull) await this.#untilFreed();
    }
    if (this.#isFull) await this.#crowd();
  }

  /** Waits until the limit is some way off, or the service stops. */
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
    while (this.#open.size > enough && !this.#closing.signal.aborted) {
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

  /** Counts the client's address; too many of one are closed at once. */
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

  /** The next connection; `undefined` once the service stops. */
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

  /** There are fewer descriptors than the limit says: room must be made. */
  #shrink(): void {
    // The crowds that follow from it are no news.
    this.#overload.happens();
    const share = Math.floor(this.#open.size * SHORTAGE_SHARE);
    // With none open it is not our connections that took them.
    if (share === 0) return;
    this.#maxConnections = Math.min(this.#maxConnections, share);
    this.#strangers.limitTo(this.#maxConnections * STRANGERS_SHARE);
  }

  /** Once a shortage is over, there may be as many as before. */
  #grow(): void {
    const { maxConnections } = this.#limits;
    if (this.#maxConnections === maxConnections || this.#shortage.lasts) return;
    this.#maxConnections = maxConnections;
    this.#strangers.limitTo(Infinity);
  }

  /** While a shortage lasts, one accept in a few still works. */
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
    this.#open.add(connection);
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
      // A handler deals with what peers and networks do: this is a defect.
      tellDefect(error, "connection handler", this.#dependencies);
    } finally {
      if (entered !== undefined) this.#leave(entered);
      this.#end(connection, place);
    }
  }

  /** A connection that a proxy has accepted, once it has named its client. */
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
    this.#open.delete(connection);
    this.#grow();
    this.#tellFreed();
  }

  /** A proxy that went away is no news; one that is set up wrongly is. */
  #tellProxy(error: unknown, { remote }: Connection): void {
    if (error instanceof TransportError) return;
    if (!(error instanceof ProtocolError)) throw error;
    const { logger, metrics } = this.#dependencies;
    metrics.connectionRefused(error.code);
    logger.log("warn", "a proxy does not name its client", {
      client: remote.host,
      code: error.code,
      reason: error.message,
    });
  }
}
