/**
 * See `registry.d.ts`.
 *
 * @module
 */
import type { Configuration } from "./counter.d.ts";

/** A value that increases and decreases. */
export default class Gauge {
  constructor(configuration: Configuration);
  set(labels: Readonly<Record<string, string>>, value: number): void;
}
