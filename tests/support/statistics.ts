/**
 * Tests whether groups of observations have the same distribution.
 *
 * @module
 */

/** The observation of a prober for one connection. */
export interface Reaction {
  /** Number of received bytes. */
  readonly bytes: number;
  /** The end of the server's side: `fin`, an error code, or `open`. */
  readonly end: string;
  /**
   * Time of the end in milliseconds after the prober began to connect, or to
   * close.
   */
  readonly atMs: number;
}

/**
 * Names the groups that can be told from the others, by number of bytes, kind
 * of end or time of the end.
 *
 * @param alpha Probability to name a group that is like the others, for each
 *   comparison.
 */
export function tellApart(
  groups: ReadonlyMap<string, readonly Reaction[]>,
  alpha: number,
): string[] {
  const ends = [...groups.values()].flat().map(({ end }) => end).sort();
  const features: Record<string, (reaction: Reaction) => number> = {
    bytes: ({ bytes }) => bytes,
    end: ({ end }) => ends.indexOf(end),
    time: ({ atMs }) => atMs,
  };
  const found: string[] = [];
  for (const [name, reactions] of groups) {
    const others = [...groups].filter(([other]) => other !== name)
      .flatMap(([, reactions]) => reactions);
    for (const [feature, value] of Object.entries(features)) {
      const p = sameDistribution(reactions.map(value), others.map(value));
      if (p < alpha) found.push(`${name}: ${feature}, p = ${p.toPrecision(2)}`);
    }
  }
  return found;
}

/** Groups values by name. */
export function groupBy<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = nameOf(item);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return groups;
}

/**
 * The two-sample test of Kolmogorov and Smirnov.
 *
 * @returns The probability of a difference this large between two samples of
 * one distribution. It is asymptotic, with Stephens' correction, and an upper
 * bound if values are equal.
 */
export function sameDistribution(
  one: readonly number[],
  other: readonly number[],
): number {
  const a = [...one].sort((x, y) => x - y);
  const b = [...other].sort((x, y) => x - y);
  let distance = 0;
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const value = Math.min(a[i]!, b[j]!);
    while (a[i] === value) i++;
    while (b[j] === value) j++;
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length));
  }
  const root = Math.sqrt(a.length * b.length / (a.length + b.length));
  return kolmogorov((root + 0.12 + 0.11 / root) * distance);
}

/** The probability that Kolmogorov's statistic exceeds `x`. */
export function kolmogorov(x: number): number {
  // The series converges slowly there; its sum is 1 to six digits.
  if (x < 0.3) return 1;
  let sum = 0;
  for (let k = 1; k <= 20; k++) {
    sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  }
  return Math.min(1, Math.max(0, sum));
}
