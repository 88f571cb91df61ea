/**
 * How this very program is started again.
 *
 * @module
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { isCompiled } from "../../adapters/system/runtime.ts";

/**
 * The words before a command's name: the executable alone where it was
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
