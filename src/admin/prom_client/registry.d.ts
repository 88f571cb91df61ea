/**
 * The part of prom-client 15.1.3 that `metrics.ts` uses. The package's own
 * types name its main module, which loads much more.
 *
 * @module
 */

/** What a registry asks of a metric. */
export interface Collected {
  readonly name: string;
  get(): Promise<unknown>;
}

/** Metrics, rendered together. */
export default class Registry {
  static readonly PROMETHEUS_CONTENT_TYPE: string;
  registerMetric(metric: Collected): void;
  /** All of it, as Prometheus reads it. */
  metrics(): Promise<string>;
}
