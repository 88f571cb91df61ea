/**
 * See `registry.d.ts`.
 *
 * @module
 */
import type { Configuration } from "./counter.d.ts";

/** Goes up and down. */
export default class Gauge {
  constructor(configuration: Configuration);
  set(labels: Readonly<Record<string, string>>, value: number): void;
}
