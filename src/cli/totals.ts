/**
 * What a program has served, over all its services and workers.
 *
 * @module
 */
import type { ErrorCode } from "../errors.ts";
import type { ConnectionSummary, Metrics } from "../observe.ts";

/** Sums since the start, as a worker sends them and the log shows them. */
export interface TotalsSnapshot {
  /** Connections that have ended. */
  readonly connections: number;
  /** Of them, those that failed. */
  readonly failed: number;
  /** Payload bytes from clients to targets. */
  readonly bytesUp: number;
  /** Payload bytes from targets to clients. */
  readonly bytesDown: number;
  /** UDP datagrams relayed, both ways. */
  readonly datagrams: number;
}

const NOTHING: TotalsSnapshot = {
  connections: 0,
  failed: 0,
  bytesUp: 0,
  bytesDown: 0,
  datagrams: 0,
};

/** Adds up what the services tell. */
export class Totals implements Metrics {
  readonly #sums: { -readonly [K in keyof TotalsSnapshot]: number } = {
    ...NOTHING,
  };

  /** The sums so far. */
  get snapshot(): TotalsSnapshot {
    return { ...this.#sums };
  }

  /** Adds what another one has counted. */
  add(other: TotalsSnapshot): void {
    this.#sums.connections += other.connections;
    this.#sums.failed += other.failed;
    this.#sums.bytesUp += other.bytesUp;
    this.#sums.bytesDown += other.bytesDown;
    this.#sums.datagrams += other.datagrams;
  }

  /** Implements {@link Metrics}. */
  connectionOpened(): void {}

  /** Implements {@link Metrics}. */
  connectionClosed({ bytesUp, bytesDown }: ConnectionSummary): void {
    this.#sums.connections++;
    this.#sums.bytesUp += bytesUp;
    this.#sums.bytesDown += bytesDown;
  }

  /** Implements {@link Metrics}. */
  connectionRefused(_code: ErrorCode): void {
    this.#sums.failed++;
  }

  /** Implements {@link Metrics}. */
  datagramRelayed(): void {
    this.#sums.datagrams++;
  }

  /** Implements {@link Metrics}. */
  datagramDropped(): void {}

  /** Implements {@link Metrics}. */
  flowOpened(): void {}

  /** Implements {@link Metrics}. */
  flowClosed(): void {}
}
