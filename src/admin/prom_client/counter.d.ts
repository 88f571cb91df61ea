/**
 * See `registry.d.ts`.
 *
 * @module
 */
import type Registry from "./registry.d.ts";

/** Name, help and registry of a metric. */
export interface Configuration {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly registers: readonly Registry[];
}

/** A value that only increases. */
export default class Counter {
  constructor(configuration: Configuration);
  inc(labels: Readonly<Record<string, string>>, value: number): void;
}
