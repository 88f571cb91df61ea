/**
 * The version, build and runtime of this program.
 *
 * @module
 */
// deno-lint-ignore-file no-process-global
import { runtimeName } from "../../adapters/system/runtime.ts";
import denoJson from "../../../deno.json" with { type: "json" };

/** Version of the project, from `deno.json`. */
export const VERSION: string = denoJson.version;

/** Returns the output of `--version`. */
export function versionLine(): string {
  const system = `${process.platform}-${process.arch}`;
  return `umbra ${VERSION} (${runtimeName()}, ${system}, build ${buildId()})`;
}

/**
 * Returns the id of this build. `build.ts` writes it into an executable;
 * otherwise it is the environment variable `UMBRA_BUILD`, or `source`.
 */
function buildId(): string {
  try {
    // Bun's --define replaces this expression only if `process` is not
    // imported.
    return process.env.UMBRA_BUILD ?? "source";
  } catch {
    // Deno without --allow-env: the variable cannot be read.
    return "source";
  }
}
