/**
 * The sources to which a configuration under test refers.
 *
 * @module
 */
import type { Sources } from "../../src/cli/config/secrets.ts";

/**
 * Returns the files and variables of a test.
 *
 * @param readText Returns the content of a file, or throws a `ConfigError`.
 * @param more Variables, and files that everyone may read.
 */
export function sourcesOf(
  readText: (path: string) => string,
  more: {
    readonly variables?: Readonly<Record<string, string>>;
    readonly publicFiles?: readonly string[];
  } = {},
): Sources {
  const { variables = {}, publicFiles = [] } = more;
  return {
    readText,
    variable: (name) => variables[name],
    isPublic: (path) => publicFiles.includes(path),
  };
}
