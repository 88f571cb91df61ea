/**
 * The values that `/metrics` shows, before they are rendered.
 *
 * @module
 */

/** Names and values of labels. */
export type Labels = Readonly<Record<string, string>>;

/** One value of a metric. */
export type Sample = readonly [labels: Labels, value: number];

/** One metric with its samples. */
export interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  /** One sentence. */
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** Makes a metric that only grows. */
export function counter(
  name: string,
  help: string,
  samples: readonly Sample[],
): Metric {
  return { name, type: "counter", help, samples };
}

/** Makes a metric that may fall. */
export function gauge(
  name: string,
  help: string,
  samples: readonly Sample[],
): Metric {
  return { name, type: "gauge", help, samples };
}

/** Returns the only sample of a metric without labels. */
export function one(value: number): Sample[] {
  return [[{}, value]];
}

/** Returns the only sample of a metric without labels, if there is a value. */
export function maybe(value: number | undefined): Sample[] {
  return value === undefined ? [] : one(value);
}

/** Returns a sample for each count; the label has its key. */
export function each(
  label: string,
  counts: Readonly<Record<string, number>>,
): Sample[] {
  return Object.entries(counts).map((
    [key, count],
  ) => [{ [label]: key }, count]);
}
