/**
 * See `registry.d.ts`.
 *
 * @module
 */
import type Registry from "./registry.d.ts";

/** How a metric is called, and where it is registered. */
export interface Configuration {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly registers: readonly Registry[];
}

/** Goes up only. */
export default class Counter {
  constructor(configuration: Configuration);
  inc(labels: Readonly<Record<string, string>>, value: number): void;
}
