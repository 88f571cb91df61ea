/**
 * The part of prom-client 15.1.3 that `metrics.ts` uses. The package's own
 * types name its main module, which loads much more.
 *
 * @module
 */

/** The part of a metric that a registry needs. */
export interface Collected {
  readonly name: string;
  get(): Promise<unknown>;
}

/** Metrics, rendered together. */
export default class Registry {
  static readonly PROMETHEUS_CONTENT_TYPE: string;
  registerMetric(metric: Collected): void;
  /** All metrics in the text format of Prometheus. */
  metrics(): Promise<string>;
}
