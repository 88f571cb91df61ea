/**
 * The accept loop of every TCP service: it accepts connections up to a limit,
 * survives it when accepting fails, keeps strangers from taking every place,
 * and stops with grace.
 *
 * @module
 */
import { pause } from "../clock.ts";
import { TransportError } from "../errors.ts";
import {
  ACCEPT_BACKOFF_MS,
  ACCEPT_RECOVERED_MS,
  MAX_ACCEPT_BACKOFF_MS,
  MIN_STRANGER_MS,
  RESUME_ACCEPT_SHARE,
  SHORTAGE_SHARE,
  STRANGERS_SHARE,
} from "../limits.ts";
import type { Connection, Endpoint, Listener } from "../transport.ts";
import { Episode } from "./episode.ts";
import type { Dependencies, Service } from "./service.ts";

/** How many connections may be open at once. */
export interface ConnectionLimits {
  /** All. */
  readonly maxConnections: number;
  /**
   * Those that were not admitted: who has not proved to belong here, and may
   * be there only to hold on to connections. Default: no limit.
   */
  readonly maxStrangers?: number;
  /** Those of one client address. Default: no limit. */
  readonly maxPerHost?: number | undefined;
}

/** A connection's place among the others. */
export interface Place {
  /** Whether it had to leave because there were too many strangers. */
  readonly dismissed: boolean;
  /** The peer belongs here: it is no stranger any more. */
  admit(): void;
}

/** Serves one accepted connection; expected errors are its own business. */
export type ConnectionHandler = (
  connection: Connection,
  /** Aborted when the service gives up waiting for it. */
  signal: AbortSignal,
  place: Place,
) => Promise<void>;

/**
 * Accepts connections and hands each to `handle`; closes it afterwards.
 *
 * At the limit nothing is accepted: clients wait in the system's backlog until
 * some connections have ended. The oldest stranger leaves when there are too
 * many; what it has sent or not makes no difference. When accepting fails (no
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
  readonly #open = new Set<Promise<void>>();
  readonly #strangers: Strangers;
  /** Open connections by client address, where they are limited. */
  readonly #hosts = new Map<string, number>();
  readonly #accepting: Promise<void>;
  #slotFreed: () => void = () => {};
  /** Too many connections, whoever's. */
  readonly #overload: Episode;
  /** Too few descriptors. */
  readonly #shortage: Episode;
  /** Nothing shall be accepted any more. */
  #stopping = false;
  /** The limit, or less: as many as there were when descriptors ran out. */
  #maxConnections: number;
  /** When accept failed last, until it has recovered. */
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
    this.#strangers = new Strangers(limits, this.#overload, dependencies);
    this.#handle = handle;
    this.#dependencies = dependencies;
    this.#accepting = this.#acceptAll();
  }

  get address(): Endpoint {
    return this.#listener.address;
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#strangers.stop();
    this.#listener.close();
    this.#slotFreed();
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
    await Promise.all(this.#open);
  }

  async #acceptAll(): Promise<void> {
    for (;;) {
      if (this.#open.size >= this.#maxConnections) await this.#room();
      await this.#strangers.room();
      const connection = await this.#accept();
      if (connection === undefined) return;
      if (!this.#enter(connection)) continue;
      const serving = this.#serve(connection).finally(() => {
        this.#open.delete(serving);
        this.#leave(connection);
        this.#slotFreed();
      });
      this.#open.add(serving);
    }
  }

  /** Waits until the limit is some way off, or the service stops. */
  async #room(): Promise<void> {
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
    while (this.#open.size > enough && !this.#stopping) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#slotFreed = resolve;
      await promise;
    }
  }

  /** Counts the client's address; too many of one are closed at once. */
  #enter(connection: Connection): boolean {
    const { maxPerHost } = this.#limits;
    if (maxPerHost === undefined) return true;
    const { host } = connection.remote;
    const count = this.#hosts.get(host) ?? 0;
    if (count < maxPerHost) {
      this.#hosts.set(host, count + 1);
      return true;
    }
    connection.close();
    const { logger, metrics } = this.#dependencies;
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
    if (!this.#shortage.lasts) {
      this.#maxConnections = this.#limits.maxConnections;
      this.#strangers.limitTo(Infinity);
    }
    if (this.#limits.maxPerHost === undefined) return;
    const { host } = connection.remote;
    const others = (this.#hosts.get(host) ?? 1) - 1;
    if (others > 0) this.#hosts.set(host, others);
    else this.#hosts.delete(host);
  }

  /** The next connection; `undefined` once the service stops. */
  async #accept(): Promise<Connection | undefined> {
    const { clock } = this.#dependencies;
    for (let backoffMs = ACCEPT_BACKOFF_MS;; backoffMs *= 2) {
      try {
        const connection = await this.#listener.accept();
        this.#acceptWorked();
        return connection;
      } catch (error) {
        this.#acceptFailed(error);
        const waitMs = Math.min(backoffMs, MAX_ACCEPT_BACKOFF_MS);
        await pause(clock, waitMs, this.#waiting.signal);
        if (this.#waiting.signal.aborted) return undefined;
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

  /** There are fewer descriptors than we were told: room must be made. */
  #shrink(): void {
    // The crowds that follow from it are no news.
    this.#overload.happens();
    const share = Math.floor(this.#open.size * SHORTAGE_SHARE);
    // With none open it is not our connections that took them.
    if (share === 0) return;
    this.#maxConnections = Math.min(this.#maxConnections, share);
    this.#strangers.limitTo(this.#maxConnections * STRANGERS_SHARE);
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

  async #serve(connection: Connection): Promise<void> {
    const { logger, metrics } = this.#dependencies;
    metrics.connectionOpened();
    const place = this.#strangers.add(connection);
    try {
      await this.#handle(connection, this.#stop.signal, place);
    } catch (error) {
      // A handler deals with what peers and networks do: this is a defect.
      logger.log("error", "connection handler failed", {
        reason: error instanceof Error ? error.stack : String(error),
      });
    } finally {
      place.admit();
      connection.close();
      metrics.connectionReleased();
    }
  }
}

/** Connections that may have to leave, the oldest first. */
class Strangers {
  readonly #most: number;
  readonly #world: Required<Dependencies>;
  readonly #places = new Set<StrangersPlace>();
  readonly #overload: Episode;
  #max: number;
  #stopping = false;
  /** Of who waits for room. */
  #wait = new AbortController();

  constructor(
    { maxStrangers = Infinity }: ConnectionLimits,
    overload: Episode,
    world: Required<Dependencies>,
  ) {
    this.#most = maxStrangers;
    this.#max = maxStrangers;
    this.#overload = overload;
    this.#world = world;
  }

  add(connection: Connection): Place {
    const { clock } = this.#world;
    const sinceMs = clock.monotonicMs();
    const place = new StrangersPlace(connection, sinceMs, () => {
      this.#places.delete(place);
      this.#wait.abort();
    });
    this.#places.add(place);
    return place;
  }

  /** Allows fewer for a while; where there are none, nothing changes. */
  limitTo(max: number): void {
    if (this.#most === Infinity) return;
    this.#max = Math.max(1, Math.min(this.#most, Math.floor(max)));
    while (this.#places.size > this.#max) this.#dismissOldest();
  }

  /**
   * Makes room for one more: the oldest leaves, once it has had the time that
   * somebody who belongs here needs.
   */
  async room(): Promise<void> {
    const { clock } = this.#world;
    while (this.#places.size >= this.#max && !this.#stopping) {
      const [oldest] = this.#places;
      const ageMs = clock.monotonicMs() - oldest!.sinceMs;
      if (ageMs >= MIN_STRANGER_MS) return this.#dismissOldest();
      this.#wait = new AbortController();
      await pause(clock, MIN_STRANGER_MS - ageMs, this.#wait.signal);
    }
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#stopping = true;
    this.#wait.abort();
  }

  #dismissOldest(): void {
    const [oldest] = this.#places;
    oldest!.dismiss();
    const { logger, metrics } = this.#world;
    metrics.connectionRefused("ERR_POLICY_STRANGERS");
    if (!this.#overload.happens()) return;
    logger.log(
      "warn",
      "too many connections do not authenticate, the oldest of them end",
      { limit: this.#max },
    );
  }
}

class StrangersPlace implements Place {
  readonly #connection: Connection;
  readonly #leave: () => void;
  /** When it came; milliseconds of the monotonic clock. */
  readonly sinceMs: number;
  dismissed = false;

  constructor(
    connection: Connection,
    sinceMs: number,
    leave: () => void,
  ) {
    this.#connection = connection;
    this.sinceMs = sinceMs;
    this.#leave = leave;
  }

  admit(): void {
    this.#leave();
  }

  dismiss(): void {
    this.dismissed = true;
    this.#leave();
    this.#connection.close();
  }
}
