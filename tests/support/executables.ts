/**
 * Umbra's executables, built for tests by either compiler.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { COMPILER_SKIP, denoCompiler } from "./deno_compiler.ts";
import { denoPath, ROOT } from "./runtimes.ts";

/**
 * Environment variable that names a folder with executables in `deno/` and
 * `bun/`. If it is set, tests run these instead of the sources.
 */
export const EXECUTABLES_VARIABLE = "UMBRA_TEST_EXECUTABLES";

/** A compiler. */
export type Compiler = "deno" | "bun";

/** Both compilers. */
export const COMPILERS: readonly Compiler[] = ["deno", "bun"];

/**
 * Returns the folder of the executables of one compiler; `undefined` if tests
 * run the sources.
 */
export function executablesOf(compiler: Compiler): string | undefined {
  const folder = process.env[EXECUTABLES_VARIABLE];
  return folder === undefined || !canCompile(compiler)
    ? undefined
    : join(folder, compiler);
}

/**
 * False if there is no base executable for Deno; tests then run the sources.
 */
export function canCompile(compiler: Compiler): boolean {
  return compiler === "bun" || !COMPILER_SKIP;
}

/** Returns the command of `build.ts` for one compiler. */
export function buildCommand(
  compiler: Compiler,
  outdir: string,
): { words: string[]; env: Record<string, string | undefined> } {
  const words = [denoPath()!, "run", "-A", join(ROOT, "build.ts")];
  words.push(`--runtime=${compiler}`, `--outdir=${outdir}`);
  if (compiler === "bun") return { words, env: { ...process.env } };
  const { deno, env } = denoCompiler();
  words.push(`--deno=${deno}`);
  return { words, env: { ...process.env, ...env } };
}

/**
 * Builds the executables.
 *
 * @throws {Error} With the output of the build.
 */
export function buildExecutables(compiler: Compiler, outdir: string): void {
  const { words: [program, ...args], env } = buildCommand(compiler, outdir);
  const { status, stdout, stderr } = spawnSync(program!, args, {
    env,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${args.join(" ")}: ${stdout}${stderr}`);
}
