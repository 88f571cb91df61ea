/**
 * What `local` and `server` have in common: they accept connections up to a
 * limit, survive it when accepting fails, and stop with grace.
 *
 * @module
 */
import { type Clock, pause, sleep, systemClock } from "../clock.ts";
import type { AeadProvider } from "../crypto/aead.ts";
import type { Edition } from "../crypto/method.ts";
import { nobleProvider } from "../crypto/noble.ts";
import { TransportError } from "../errors.ts";
import {
  ACCEPT_BACKOFF_MS,
  ACCEPT_RECOVERED_MS,
  DESCRIPTORS_PER_CONNECTION,
  MAX_ACCEPT_BACKOFF_MS,
  MAX_CONNECTIONS,
  RESERVED_DESCRIPTORS,
  UNACCEPTED_SHARE,
} from "../limits.ts";
import {
  type Logger,
  type Metrics,
  silentLogger,
  silentMetrics,
} from "../observe.ts";
import { type RandomBytes, systemRandomBytes } from "../random.ts";
import {
  type ReplayFilter,
  replayFilterFor,
} from "../security/replay_filter.ts";
import type {
  Connection,
  Endpoint,
  Listener,
  Transport,
} from "../transport.ts";

/** A running role. */
export interface Service {
  /** Where it listens; the port is the real one. */
  readonly address: Endpoint;
  /**
   * Accepts no more, waits for open connections, then closes what is left.
   *
   * @param graceMs How long to wait for connections to finish by themselves;
   * `Infinity` for as long as they take. May be called again with less.
   */
  stop(graceMs: number): Promise<void>;
}

/** The world a service runs in. */
export interface Dependencies {
  /** The network. */
  readonly transport: Transport;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: the system's. */
  readonly randomBytes?: RandomBytes;
  /** Default: none. */
  readonly logger?: Logger;
  /** Default: none. */
  readonly metrics?: Metrics;
  /** Default: noble. */
  readonly aeadProvider?: AeadProvider;
  /** Threads that share ports, descriptors and connections; default 1. */
  readonly workers?: number;
  /**
   * Whether others may listen on the same ports (SO_REUSEPORT). Default: where
   * there are several workers.
   */
  readonly sharePorts?: boolean;
  /**
   * The memory of salts of an edition, asked for once by each server. Servers
   * that share it serve no request that another of them has served. Default:
   * one of its own for each server.
   */
  readonly replayFilter?: (edition: Edition) => ReplayFilter;
}

/** {@link Dependencies} with nothing left out. */
export function withDefaults(
  dependencies: Dependencies,
): Required<Dependencies> {
  const clock = dependencies.clock ?? systemClock;
  return {
    clock,
    randomBytes: systemRandomBytes,
    logger: silentLogger,
    metrics: silentMetrics,
    aeadProvider: nobleProvider,
    workers: 1,
    sharePorts: (dependencies.workers ?? 1) > 1,
    replayFilter: (edition) => replayFilterFor(edition, clock),
    ...dependencies,
  };
}

/**
 * Connections a process can hold with the descriptors it may open.
 *
 * @param descriptorLimit See `Transport.descriptorLimit`.
 */
export function connectionCapacity(
  descriptorLimit: number | undefined,
): number {
  if (descriptorLimit === undefined) return MAX_CONNECTIONS;
  const spare = RESERVED_DESCRIPTORS + descriptorLimit / UNACCEPTED_SHARE;
  const capacity = Math.floor(
    (descriptorLimit - spare) / DESCRIPTORS_PER_CONNECTION,
  );
  return Math.min(MAX_CONNECTIONS, Math.max(1, capacity));
}

/**
 * This thread's part of the connections that may be open at once.
 *
 * @param taken Descriptors that are promised to others.
 */
export function connectionShare(
  maxConnections: number | undefined,
  { transport, workers }: Required<Dependencies>,
  taken = 0,
): number {
  const limit = transport.descriptorLimit();
  const all = maxConnections ?? connectionCapacity(limit && limit - taken);
  return Math.ceil(all / workers);
}

/** Serves one accepted connection; expected errors are its own business. */
export type ConnectionHandler = (
  connection: Connection,
  /** Aborted when the service gives up waiting for it. */
  signal: AbortSignal,
) => Promise<void>;

/**
 * Accepts connections and hands each to `handle`; closes it afterwards.
 *
 * At the limit nothing is accepted: clients wait in the system's backlog until
 * a connection ends. When accepting fails (no descriptors left, most often)
 * it is tried again after a wait that doubles; both are logged once.
 *
 * @param listener Owned by the service from now on.
 * @param maxConnections Open at once.
 */
export function serve(
  listener: Listener,
  maxConnections: number,
  handle: ConnectionHandler,
  dependencies: Required<Dependencies>,
): Service {
  return new AcceptLoop(listener, maxConnections, handle, dependencies);
}

class AcceptLoop implements Service {
  readonly #listener: Listener;
  readonly #maxConnections: number;
  readonly #handle: ConnectionHandler;
  readonly #dependencies: Required<Dependencies>;
  readonly #stop = new AbortController();
  readonly #open = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  #slotFreed: () => void = () => {};
  #fullLogged = false;
  /** When accept failed last, until it has recovered. */
  #failedAtMs: number | undefined;

  constructor(
    listener: Listener,
    maxConnections: number,
    handle: ConnectionHandler,
    dependencies: Required<Dependencies>,
  ) {
    this.#listener = listener;
    this.#maxConnections = maxConnections;
    this.#handle = handle;
    this.#dependencies = dependencies;
    this.#accepting = this.#acceptAll();
  }

  get address(): Endpoint {
    return this.#listener.address;
  }

  async stop(graceMs: number): Promise<void> {
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
      await this.#slot();
      const connection = await this.#accept();
      if (connection === undefined) return;
      const serving = this.#serve(connection).finally(() => {
        this.#open.delete(serving);
        this.#slotFreed();
      });
      this.#open.add(serving);
    }
  }

  /** Waits until another connection may be opened. */
  async #slot(): Promise<void> {
    if (this.#open.size < this.#maxConnections) {
      if (this.#open.size < this.#maxConnections / 2) this.#fullLogged = false;
      return;
    }
    if (!this.#fullLogged) {
      this.#fullLogged = true;
      this.#dependencies.logger.log(
        "warn",
        "connection limit reached, new clients wait",
        { limit: this.#maxConnections },
      );
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#slotFreed = resolve;
    await promise;
  }

  /** The next connection; `undefined` once the listener is closed. */
  async #accept(): Promise<Connection | undefined> {
    const { clock } = this.#dependencies;
    for (let backoffMs = ACCEPT_BACKOFF_MS;; backoffMs *= 2) {
      try {
        const connection = await this.#listener.accept();
        this.#acceptWorked();
        return connection;
      } catch (error) {
        this.#acceptFailed(error);
        await sleep(clock, Math.min(backoffMs, MAX_ACCEPT_BACKOFF_MS));
      }
    }
  }

  #acceptFailed(error: unknown): void {
    const { clock, logger } = this.#dependencies;
    if (this.#failedAtMs === undefined) {
      logger.log("warn", "cannot accept connections, will keep trying", {
        code: error instanceof TransportError ? error.code : undefined,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
    this.#failedAtMs = clock.monotonicMs();
  }

  /** While a shortage lasts, one accept in a few still works. */
  #acceptWorked(): void {
    const { clock, logger } = this.#dependencies;
    if (this.#failedAtMs === undefined) return;
    const sinceMs = clock.monotonicMs() - this.#failedAtMs;
    if (sinceMs < ACCEPT_RECOVERED_MS) return;
    this.#failedAtMs = undefined;
    logger.log("info", "accepting again");
  }

  async #serve(connection: Connection): Promise<void> {
    const { logger, metrics } = this.#dependencies;
    metrics.connectionOpened();
    try {
      await this.#handle(connection, this.#stop.signal);
    } catch (error) {
      // A handler deals with what peers and networks do: this is a defect.
      logger.log("error", "connection handler failed", {
        reason: error instanceof Error ? error.stack : String(error),
      });
    } finally {
      connection.close();
      metrics.connectionReleased();
    }
  }
}
