/**
 * Asks the runtime to collect its garbage.
 *
 * @module
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

declare const Bun: { gc(wait: boolean): void };

/** The way in which this thread's garbage is collected. */
export interface Collector {
  /**
   * Collects it all, and holds everything up meanwhile: on Deno for 15 ms, and
   * 30 ms more for every 1,000 connections that are open; on Bun for a
   * quarter of that. Not set where V8's own collector cannot be had: before Deno
   * 2.9, unless it was asked for at the start.
   */
  all?(): void;
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
  const { gc } = globalThis as { readonly gc?: () => void };
  const all = gc ?? exposedCollector();
  return { ...all && { all } };
}

/** V8's own collector is a global of contexts made after its flag is set. */
function exposedCollector(): (() => void) | undefined {
  setFlagsFromString("--expose-gc");
  return runInNewContext("globalThis.gc");
}
