/**
 * The runtime of this program, and its permissions.
 *
 * @module
 */
import process from "node:process";

/** Returns the name and version of the runtime: `deno 2.9.6`, `bun 1.4.5`. */
export function runtimeName(): string {
  const { deno, bun } = process.versions;
  return deno !== undefined ? `deno ${deno}` : `bun ${bun}`;
}

/** True if the program is a compiled executable. */
export function isCompiled(): boolean {
  // Bun's compiler puts the sources under a special root.
  return "Deno" in globalThis
    ? Deno.build.standalone
    : /\/\$bunfs\/|\/~BUN\//.test(import.meta.url);
}

/** A permission of Deno. */
export interface Permission {
  /** Name of the flag, without `--allow-`. */
  readonly name: "net" | "read" | "write" | "ffi" | "run" | "env";
  /** `HOST:PORT` for `net`, a name for `env`, else a path. */
  readonly value: string;
}

/**
 * True if the program has the permission; always true on Bun, which has no
 * permissions.
 */
export function isPermitted({ name, value }: Permission): boolean {
  if (!("Deno" in globalThis)) return true;
  return Deno.permissions.querySync(describe(name, value)).state === "granted";
}

function describe(
  name: Permission["name"],
  value: string,
): Deno.PermissionDescriptor {
  switch (name) {
    case "net":
      return { name, host: value };
    case "run":
      return { name, command: value };
    case "env":
      return { name, variable: value };
    default:
      return { name, path: value };
  }
}
