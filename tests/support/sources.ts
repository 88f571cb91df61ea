/**
 * What a configuration under test refers to.
 *
 * @module
 */
import type { Sources } from "../../src/cli/config/secrets.ts";

/**
 * Files and variables of a test.
 *
 * @param readText Content of a file, or a `ConfigError`.
 * @param more Variables, files that everybody may read, and what is in folders.
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
