/**
 * Rules as one place of a configuration has them, with the files they name.
 *
 * @module
 */
import { dirname, isAbsolute, join } from "node:path";
import type { NamedConfig } from "../config/config_file.ts";

/** Rules as they are written at one place: an ACL, or routes, or neither. */
export interface WrittenRules {
  /** Paths of ACL files. They and `routes` exclude each other. */
  readonly acl: readonly string[];
  /** The list of routes; not set where there is none. */
  readonly routes?: unknown[] | undefined;
  /** The place of the list in the file: `routes`, `locals[1].routes`. */
  readonly key: string;
}

/** Rules that one entry of `locals` has of its own. */
export interface OwnRules {
  /** Paths of ACL files, as they are written. */
  readonly acl: readonly string[] | undefined;
  /** Its list of routes. */
  readonly routes: unknown[] | undefined;
  /** The place in the file. */
  readonly key: string;
}

/** What an entry of a file says, with paths as the file means them. */
export function writtenRules(
  { acl = [], routes, key }: OwnRules,
  { name }: NamedConfig,
): WrittenRules {
  return { acl: acl.map((path) => besideFile(name, path)), routes, key };
}

/** A path as a file means it: relative to the file. */
export function besideFile(file: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(file), path);
}
