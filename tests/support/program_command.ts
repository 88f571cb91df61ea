/**
 * How to run our program: from its sources, or as an executable.
 *
 * @module
 */
import { join } from "node:path";
import process from "node:process";
import { PERMISSIONS, V8_FLAGS } from "../../build.ts";
import { executablesOf } from "./executables.ts";
import { bunPath, denoPath, ROOT } from "./runtimes.ts";

/** Its value is the `--transport` of programs that tests start. */
export const TRANSPORT_VARIABLE = "UMBRA_TEST_TRANSPORT";

/** Options for whatever serves. */
export function transportFlags(): string[] {
  const name = process.env[TRANSPORT_VARIABLE];
  return name === undefined ? [] : ["--transport", name];
}

/**
 * The command line, without command and options of the program.
 *
 * On Deno it gets the permissions of the compiled program, so that they are
 * seen to be enough. An executable gets an empty environment but for these.
 *
 * @param variables Of the environment, besides those the test has.
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
