/**
 * The part of `minimist` 1.2.8 that `parse_args.ts` uses; the package itself
 * ships no types.
 *
 * @module
 */

/** Options of {@link minimist}, by the names of its documentation. */
export interface MinimistOptions {
  /** Keeps what follows `--` apart. */
  "--"?: boolean;
  /** Other names. */
  alias?: Record<string, string[]>;
  /** Options without a value. */
  boolean?: boolean | string[];
  /** Values of absent options. */
  default?: Record<string, unknown>;
  /** Stops at the first other argument. */
  stopEarly?: boolean;
  /** Options whose value stays text. */
  string?: string[];
  /** Called for what is not declared; `false` drops it. */
  unknown?: (arg: string) => boolean;
}

/** Parses `args`; see its README. */
export default function minimist(
  args: string[],
  options?: MinimistOptions,
): Record<string, unknown> & { _: (string | number)[] };
