/**
 * What this program is: version, build and runtime.
 *
 * @module
 */
// deno-lint-ignore-file no-process-global
import { runtimeName } from "../../adapters/system/runtime.ts";
import denoJson from "../../../deno.json" with { type: "json" };

/** Version of the project, which is in `deno.json`. */
export const VERSION: string = denoJson.version;

/** The output of `--version`. */
export function versionLine(): string {
  const system = `${process.platform}-${process.arch}`;
  return `umbra ${VERSION} (${runtimeName()}, ${system}, build ${buildId()})`;
}

/**
 * Which build this is: `build.ts` writes it into an executable; otherwise the
 * environment variable `UMBRA_BUILD`, or `source`.
 */
function buildId(): string {
  try {
    // Bun's --define replaces this expression, but not if `process` were
    // imported.
    return process.env.UMBRA_BUILD ?? "source";
  } catch {
    // Deno without --allow-env: it was not set for us.
    return "source";
  }
}
