/**
 * What runs this program, and whether it was compiled.
 *
 * @module
 */
import process from "node:process";

/** `deno 2.9.6`, `bun 1.4.5`. */
export function runtimeName(): string {
  const { deno, bun } = process.versions;
  return deno !== undefined ? `deno ${deno}` : `bun ${bun}`;
}

/** True if the program is an executable of its own. */
export function isCompiled(): boolean {
  // Bun's compiler puts sources under a root of their own.
  return "Deno" in globalThis
    ? Deno.build.standalone
    : /\/\$bunfs\/|\/~BUN\//.test(import.meta.url);
}

/** Something that Deno may have to be allowed. */
export interface Permission {
  /** Name of the flag, without `--allow-`. */
  readonly name: "net" | "read" | "write" | "ffi" | "run" | "env";
  /** `HOST:PORT` of `net`, a name of `env`, else a path. */
  readonly value: string;
}

/** True if the program has it; always on Bun, which has no permissions. */
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
