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
import { TransportError } from "../errors.ts";
import { noPrograms, type Programs } from "../programs.ts";
import { type RandomBytes, systemRandomBytes } from "../random.ts";
import {
  type ReplayFilter,
  replayFilterFor,
} from "../security/replay_filter.ts";
import type { Endpoint, SecureStream, Transport } from "../transport.ts";
import { inBlocks } from "../security/target_policy.ts";
import type { AcceptOptions } from "./options.ts";

/** A running role. */
export interface Service {
  /** The address of the service; the port is the real one. */
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
  /** The clock; default: the system's. */
  readonly clock?: Clock;
  /** The randomness; default: the system's. */
  readonly randomBytes?: RandomBytes;
  /** The log; default: none. */
  readonly logger?: Logger;
  /**
   * The level of the line for a connection that ended as it should; default
   * `debug`.
   */
  readonly connectionLevel?: LogLevel;
  /** The counters; default: none. */
  readonly metrics?: Metrics;
  /** The provider of AEAD; default: noble. */
  readonly aeadProvider?: AeadProvider;
  /** The provider of stream ciphers; default: the reference. */
  readonly keyStreamProvider?: KeyStreamProvider;
  /** Speaks TLS with resolvers. Default: TLS is not there. */
  readonly secure?: SecureStream;
  /** Threads that share ports, descriptors and connections; default 1. */
  readonly workers?: number;
  /**
   * True if others may listen on the same ports (SO_REUSEPORT). Default: where
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
    secure: withoutTls,
    workers: 1,
    sharePorts: (dependencies.workers ?? 1) > 1,
    replayFilter: (kind) => replayFilterFor(kind, clock),
    ...dependencies,
  };
}

/** The stand-in where there is no TLS. */
const withoutTls: SecureStream = (stream, { serverName }) => {
  stream.close();
  return Promise.reject(
    new TransportError(
      "ERR_NET_UNSUPPORTED",
      `Cannot speak TLS with ${serverName}: nothing here does`,
    ),
  );
};

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
  { maxConnections, maxConnectionsPerHost, proxyFrom }: AcceptOptions,
  world: Required<Dependencies>,
  taken: number,
): {
  readonly maxConnections: number;
  readonly maxPerHost: number;
  readonly isProxy: ((host: string) => boolean) | undefined;
} {
  return {
    maxConnections: connectionShare(maxConnections, world, taken),
    maxPerHost: maxConnectionsPerHost,
    isProxy: proxyFrom.length === 0 ? undefined : inBlocks(proxyFrom),
  };
}
