/**
 * Makes the runtime collect garbage.
 *
 * @module
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

declare const Bun: { gc(wait: boolean): void };

/** The available ways to collect the garbage of this thread. */
export interface Collector {
  /**
   * Collects all garbage and blocks the thread: on Deno for 15 ms, and 30 ms
   * more for every 1,000 open connections; on Bun for a quarter of that. Not
   * set if V8's collector is not available: before Deno 2.9, unless enabled at
   * the start.
   */
  all?(): void;
  /**
   * Collects garbage in parallel. Deno does not support it, and needs it less:
   * its young generation is small.
   */
  some?(): void;
}

/** Returns the collector of this runtime. */
export function garbageCollector(): Collector {
  if ("Bun" in globalThis) {
    return { all: () => Bun.gc(true), some: () => Bun.gc(false) };
  }
  const { gc } = globalThis as { readonly gc?: () => void };
  const all = gc ?? exposedCollector();
  return { ...all && { all } };
}

/**
 * V8's collector is a global only in contexts that are made after the flag is
 * set.
 */
function exposedCollector(): (() => void) | undefined {
  setFlagsFromString("--expose-gc");
  return runInNewContext("globalThis.gc");
}
