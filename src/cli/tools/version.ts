/**
 * What this program is: version, build and runtime.
 *
 * @module
 */
// deno-lint-ignore-file no-process-global
import { runtimeName } from "../../adapters/system/runtime.ts";
import denoJson from "../../../deno.json" with { type: "json" };

/** Version of the project, `deno.json` is where it stands. */
export const VERSION: string = denoJson.version;

/** What `--version` prints. */
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
    // Deno without --allow-env: nobody set it for us.
    return "source";
  }
}
