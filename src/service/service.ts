/**
 * What `local` and `server` have in common: the world they run in, and how
 * many connections it has room for.
 *
 * @module
 */
import { type Clock, systemClock } from "../clock.ts";
import type { AeadProvider } from "../crypto/aead.ts";
import type { ReplayMemoryKind } from "../crypto/family.ts";
import type { KeyStreamProvider } from "../crypto/key_stream.ts";
import { referenceKeyStreams } from "../crypto/key_streams/reference.ts";
import { nobleProvider } from "../crypto/noble.ts";
import {
  DESCRIPTORS_PER_CONNECTION,
  RESERVED_DESCRIPTORS,
  UNACCEPTED_SHARE,
} from "../limits.ts";
import {
  type Logger,
  type LogLevel,
  type Metrics,
  silentLogger,
  silentMetrics,
} from "../observe.ts";
import { noPrograms, type Programs } from "../programs.ts";
import { type RandomBytes, systemRandomBytes } from "../random.ts";
import {
  type ReplayFilter,
  replayFilterFor,
} from "../security/replay_filter.ts";
import type { Endpoint, Transport } from "../transport.ts";
import type { AcceptOptions } from "./options.ts";

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
  /**
   * Gives its address up at once, where a plugin has it: what passes through
   * that is cut. Not set: `stop()` gives it up at once.
   */
  release?(): Promise<void>;
}

/** The world a service runs in. */
export interface Dependencies {
  /** The network. */
  readonly transport: Transport;
  /** Runs plugins. Default: there are none. */
  readonly programs?: Programs;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: the system's. */
  readonly randomBytes?: RandomBytes;
  /** Default: none. */
  readonly logger?: Logger;
  /** Of the line of a connection that has ended as it should; default `debug`. */
  readonly connectionLevel?: LogLevel;
  /** Default: none. */
  readonly metrics?: Metrics;
  /** Default: noble. */
  readonly aeadProvider?: AeadProvider;
  /** Of stream ciphers. Default: the reference. */
  readonly keyStreamProvider?: KeyStreamProvider;
  /** Threads that share ports, descriptors and connections; default 1. */
  readonly workers?: number;
  /**
   * Whether others may listen on the same ports (SO_REUSEPORT). Default: where
   * there are several workers.
   */
  readonly sharePorts?: boolean;
  /**
   * The memory of salts of a kind, asked for by each server when it starts,
   * and when its key changes. Servers that share it serve no request
   * that another of them has served. Default: one of its own for each.
   */
  readonly replayFilter?: (kind: ReplayMemoryKind) => ReplayFilter;
}

/** {@link Dependencies} with nothing left out. */
export function withDefaults(
  dependencies: Dependencies,
): Required<Dependencies> {
  const clock = dependencies.clock ?? systemClock;
  return {
    programs: noPrograms,
    clock,
    randomBytes: systemRandomBytes,
    logger: silentLogger,
    connectionLevel: "debug",
    metrics: silentMetrics,
    aeadProvider: nobleProvider,
    keyStreamProvider: referenceKeyStreams,
    workers: 1,
    sharePorts: (dependencies.workers ?? 1) > 1,
    replayFilter: (kind) => replayFilterFor(kind, clock),
    ...dependencies,
  };
}

/**
 * Connections a process can hold with the descriptors it may open.
 *
 * @param descriptorLimit See `Transport.descriptorLimit`.
 * @param wanted Never more than these.
 */
export function connectionCapacity(
  descriptorLimit: number | undefined,
  wanted: number,
): number {
  if (descriptorLimit === undefined) return wanted;
  const spare = RESERVED_DESCRIPTORS + descriptorLimit / UNACCEPTED_SHARE;
  const capacity = Math.floor(
    (descriptorLimit - spare) / DESCRIPTORS_PER_CONNECTION,
  );
  return Math.min(wanted, Math.max(1, capacity));
}

/**
 * This thread's part of the connections that may be open at once.
 *
 * @param taken Descriptors that are promised to others.
 */
export function connectionShare(
  maxConnections: number,
  { transport, workers }: Required<Dependencies>,
  taken = 0,
): number {
  const limit = transport.descriptorLimit();
  const all = connectionCapacity(limit && limit - taken, maxConnections);
  return Math.ceil(all / workers);
}

/**
 * This thread's part of what a service may accept.
 *
 * @param taken Descriptors that are promised to others.
 */
export function acceptShare(
  { maxConnections, maxConnectionsPerHost }: AcceptOptions,
  world: Required<Dependencies>,
  taken: number,
): { readonly maxConnections: number; readonly maxPerHost: number } {
  return {
    maxConnections: connectionShare(maxConnections, world, taken),
    maxPerHost: maxConnectionsPerHost,
  };
}
