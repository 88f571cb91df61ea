/**
 * The part of prom-client 15.1.3 that `metrics.ts` uses. The package's own
 * types import its main module, which loads much more.
 *
 * @module
 */

/** The part of a metric that a registry needs. */
export interface Collected {
  readonly name: string;
  get(): Promise<unknown>;
}

/** Metrics that are rendered together. */
export default class Registry {
  static readonly PROMETHEUS_CONTENT_TYPE: string;
  registerMetric(metric: Collected): void;
  /** Returns all metrics in the text format of Prometheus. */
  metrics(): Promise<string>;
}
