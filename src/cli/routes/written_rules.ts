/**
 * The rules of one place of a configuration, as written, with the paths of the
 * files that they name.
 *
 * @module
 */
import { dirname, isAbsolute, join } from "node:path";
import type { NamedConfig } from "../config/config_file.ts";

/** The rules at one place: an ACL, or routes, or neither. */
export interface WrittenRules {
  /** Paths of ACL files. `acl` and `routes` exclude each other. */
  readonly acl: readonly string[];
  /** The list of routes; not set if there is none. */
  readonly routes?: unknown[] | undefined;
  /** The key of the list in the file: `routes`, `locals[1].routes`. */
  readonly key: string;
}

/** The rules of one entry of `locals`. */
export interface OwnRules {
  /** Paths of ACL files, as written. */
  readonly acl: readonly string[] | undefined;
  /** The list of routes. */
  readonly routes: unknown[] | undefined;
  /** The place in the file. */
  readonly key: string;
}

/**
 * Returns the rules of an entry; paths are relative to the folder of the file.
 */
export function writtenRules(
  { acl = [], routes, key }: OwnRules,
  { name }: NamedConfig,
): WrittenRules {
  return { acl: acl.map((path) => besideFile(name, path)), routes, key };
}

/** Returns a path relative to the folder of a file. */
export function besideFile(file: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(file), path);
}
