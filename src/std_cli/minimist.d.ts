/**
 * The part of `minimist` 1.2.8 that `parse_args.ts` uses; the package has no
 * types.
 *
 * @module
 */

/** Options of {@link minimist}, by the names in its documentation. */
export interface MinimistOptions {
  /** True to keep the arguments after `--` separate. */
  "--"?: boolean;
  /** Other names of options. */
  alias?: Record<string, string[]>;
  /** Options without a value. */
  boolean?: boolean | string[];
  /** Values of absent options. */
  default?: Record<string, unknown>;
  /** True to stop at the first argument that is not an option. */
  stopEarly?: boolean;
  /** Options whose value stays text. */
  string?: string[];
  /** Called for an undeclared argument; `false` drops it. */
  unknown?: (arg: string) => boolean;
}

/** Parses `args`; see the package's README. */
export default function minimist(
  args: string[],
  options?: MinimistOptions,
): Record<string, unknown> & { _: (string | number)[] };
