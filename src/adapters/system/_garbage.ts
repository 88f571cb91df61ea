/**
 * Asks the runtime to collect its garbage.
 *
 * @module
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

declare const Bun: { gc(wait: boolean): void };

/** How this thread's garbage is collected. */
export interface Collector {
  /**
   * Collects it all, and holds everything up meanwhile: on Deno for 15 ms, and
   * 30 ms more for every 1,000 connections that are open; on Bun for a
   * quarter of that.
   */
  all(): void;
  /**
   * Has it collected beside the work. Deno cannot, and need not: its new objects
   * have little room.
   */
  some?(): void;
}

/** The collector of the runtime this program runs on. */
export function garbageCollector(): Collector {
  if ("Bun" in globalThis) {
    return { all: () => Bun.gc(true), some: () => Bun.gc(false) };
  }
  // V8's own collector is a global of contexts made after this.
  setFlagsFromString("--expose-gc");
  return { all: runInNewContext("gc") };
}
