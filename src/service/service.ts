/**
 * What locals and servers share: their dependencies, and their part of the
 * limits.
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
import { type NetworkChanges, unseenNetwork } from "../network_changes.ts";
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
  /** The address of the service, with the actual port. */
  readonly address: Endpoint;
  /**
   * Stops accepting, waits for open connections, then closes the rest.
   *
   * @param graceMs Milliseconds that connections get to finish; `Infinity` for
   * no limit. May be called again with less.
   */
  stop(graceMs: number): Promise<void>;
  /**
   * Frees its address at once, if a plugin uses it; connections through the
   * plugin are cut. Not set if `stop()` frees it at once.
   */
  release?(): Promise<void>;
}

/** What a service depends on. */
export interface Dependencies {
  /** The network that is used. */
  readonly transport: Transport;
  /** Runs plugins. Default: plugins cannot run. */
  readonly programs?: Programs;
  /** Reports changes of this machine's network. Default: none are seen. */
  readonly networkChanges?: NetworkChanges;
  /** The clock; default: the system's. */
  readonly clock?: Clock;
  /** The randomness; default: the system's. */
  readonly randomBytes?: RandomBytes;
  /** The log; default: nothing is logged. */
  readonly logger?: Logger;
  /**
   * The level at which a connection without an error is logged; default
   * `debug`.
   */
  readonly connectionLevel?: LogLevel;
  /** The counters; default: nothing is counted. */
  readonly metrics?: Metrics;
  /** The provider of AEAD; default: noble. */
  readonly aeadProvider?: AeadProvider;
  /** The provider of stream ciphers; default: the reference implementation. */
  readonly keyStreamProvider?: KeyStreamProvider;
  /** Starts TLS with resolvers. Default: TLS is not available. */
  readonly secure?: SecureStream;
  /** Threads that share ports, descriptors and connections; default 1. */
  readonly workers?: number;
  /**
   * True if other processes may listen on the same ports (SO_REUSEPORT).
   * Default: true if there are several workers.
   */
  readonly sharePorts?: boolean;
  /**
   * Returns the replay filter of a kind. Each server calls it when it starts,
   * and when its key changes. Servers that share a filter refuse each other's
   * requests as replays. Default: each server has its own.
   */
  readonly replayFilter?: (kind: ReplayMemoryKind) => ReplayFilter;
}

/** Returns {@link Dependencies} with all defaults. */
export function withDefaults(
  dependencies: Dependencies,
): Required<Dependencies> {
  const clock = dependencies.clock ?? systemClock;
  return {
    programs: noPrograms,
    networkChanges: unseenNetwork,
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

/** Used if there is no TLS. */
const withoutTls: SecureStream = (stream, { serverName }) => {
  stream.close();
  return Promise.reject(
    new TransportError(
      "ERR_NET_UNSUPPORTED",
      `Cannot start TLS with ${serverName}: no TLS provider is set`,
    ),
  );
};

/**
 * Returns how many connections a process can hold with its descriptors.
 *
 * @param descriptorLimit See `Transport.descriptorLimit`.
 * @param wanted The upper bound.
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
 * Returns this thread's part of the connections that may be open at once.
 *
 * @param taken Descriptors that are reserved for other uses.
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
 * Returns this thread's part of what a service may accept.
 *
 * @param taken Descriptors that are reserved for other uses.
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
