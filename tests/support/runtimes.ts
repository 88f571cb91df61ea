/**
 * The paths of both runtimes on this machine.
 *
 * Deno is the one that runs this process, or the one on PATH. Bun is the pinned
 * npm package of `deno.json`: its launcher needs a post-install script that
 * Deno does not run, but the platform package beside it contains the program.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Absolute path of the project, without a trailing separator. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url))
  .replace(/[/\\]$/, "");

/** Environment variable with which a test runner on Deno passes on its path. */
export const DENO_PATH_VARIABLE = "UMBRA_TEST_DENO";

/** Path of the Deno executable; `undefined` if there is none. */
export function denoPath(): string | undefined {
  if ("Deno" in globalThis) return process.execPath;
  const candidates = [process.env[DENO_PATH_VARIABLE] ?? "deno"];
  return candidates.find((path) => runs(path));
}

/** Path of the Bun executable of the pinned version. */
export function bunPath(): string {
  if ("Bun" in globalThis) return process.execPath;
  const wanted = pinnedBunVersion();
  const candidates = bunCandidates();
  const found = candidates.find((path) => runs(path, wanted));
  if (found !== undefined) return found;
  throw new Error(
    `Cannot find Bun ${wanted} for ${process.platform} ${process.arch}: ` +
      "run `deno install --frozen` first",
  );
}

/** The exact version in `deno.json`. */
export function pinnedBunVersion(): string {
  const config = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
  return String(config.imports.bun).replace(/^npm:bun@/, "");
}

/** The paths of the program in Deno's and npm's layouts of `node_modules`. */
function bunCandidates(): string[] {
  const cpu = process.arch === "arm64" ? "aarch64" : process.arch;
  const system = process.platform === "win32" ? "windows" : process.platform;
  const file = system === "windows" ? "bun.exe" : "bun";
  const folders = ["node_modules/.deno/node_modules", "node_modules"];
  return ["", "-musl"].flatMap((libc) =>
    folders.map((folder) =>
      join(ROOT, folder, "@oven", `bun-${system}-${cpu}${libc}`, "bin", file)
    )
  ).filter((path) => existsSync(path));
}

/** True if a program starts and has the wanted version. */
function runs(path: string, version?: string): boolean {
  const { status, stdout } = spawnSync(path, ["--version"], {
    encoding: "utf8",
    timeout: 10_000,
  });
  return status === 0 &&
    (version === undefined || stdout.trim().startsWith(version));
}
