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
 * @param more Variables, files that everyone may read, and the names in folders.
 */
export function sourcesOf(
  readText: (path: string) => string,
  more: {
    readonly variables?: Readonly<Record<string, string>>;
    readonly publicFiles?: readonly string[];
    readonly folders?: Readonly<Record<string, readonly string[]>>;
  } = {},
): Sources {
  const { variables = {}, publicFiles = [], folders = {} } = more;
  return {
    readText,
    list: (path) => folders[path],
    variable: (name) => variables[name],
    isPublic: (path) => publicFiles.includes(path),
  };
}
