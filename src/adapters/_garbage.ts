/**
 * Asks the runtime to collect its garbage.
 *
 * @module
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * The collector of this thread's garbage; `undefined` on Bun, which collects
 * when it has nothing else to do. Deno does not: V8 collects while a program
 * allocates, and one that has gone idle keeps what it has, for hours.
 *
 * A collection holds everything up: 15 ms, and 30 ms more for every 1,000
 * connections that are open.
 */
export function garbageCollector(): (() => void) | undefined {
  if (!("Deno" in globalThis)) return undefined;
  // V8's own collector is a global of contexts made after this.
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}
