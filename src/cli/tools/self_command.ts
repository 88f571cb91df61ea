/**
 * The command that starts this program again.
 *
 * @module
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { isCompiled } from "../../adapters/system/runtime.ts";

/**
 * Returns the words before the name of a command: the executable if it was
 * compiled, else the runtime and the source.
 */
export function selfCommand(): string[] {
  const { execPath, versions } = process;
  if (isCompiled()) return [execPath];
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  return versions["deno"] === undefined
    ? [execPath, main]
    : [execPath, "run", "-A", main];
}
