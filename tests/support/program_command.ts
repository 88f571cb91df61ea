/**
 * The command line of the program under test: from its sources, or as an
 * executable.
 *
 * @module
 */
import { join } from "node:path";
import process from "node:process";
import { PERMISSIONS, V8_FLAGS } from "../../build.ts";
import { executablesOf } from "./executables.ts";
import { bunPath, denoPath, ROOT } from "./runtimes.ts";

/** Environment variable with the `--transport` of programs that tests start. */
export const TRANSPORT_VARIABLE = "UMBRA_TEST_TRANSPORT";

/**
 * Returns the options of every service. By default, sources on Bun use the
 * runtime's sockets and those on Deno Umbra's own; the executables do the
 * opposite by themselves, so that all four are tested.
 */
export function transportFlags(runtime: "deno" | "bun"): string[] {
  const fromSource = executablesOf(runtime) === undefined;
  const name = process.env[TRANSPORT_VARIABLE] ??
    (runtime === "bun" && fromSource ? "runtime" : "auto");
  return ["--transport", name];
}

/**
 * Returns the command line without command and options of the program.
 *
 * On Deno it has the permissions of the compiled program, to show that they are
 * sufficient. An executable gets only these environment variables.
 *
 * @param variables Additional environment variables.
 */
export function programCommand(
  runtime: "deno" | "bun",
  variables: Readonly<Record<string, string>> = {},
): string[] {
  const set = Object.entries(variables).map(([name, value]) =>
    `${name}=${value}`
  );
  const executables = executablesOf(runtime);
  if (executables !== undefined) {
    return ["/usr/bin/env", "-i", ...set, join(executables, "umbra")];
  }
  return [
    ...set.length > 0 ? ["/usr/bin/env", ...set] : [],
    ...fromSource(runtime),
  ];
}

function fromSource(runtime: "deno" | "bun"): string[] {
  const main = join(ROOT, "src", "main.ts");
  if (runtime === "bun") return [bunPath(), "--no-install", main];
  const deno = denoPath();
  if (deno === undefined) throw new Error("Cannot find the deno program");
  return [deno, "run", "--quiet", ...PERMISSIONS, V8_FLAGS, main];
}
