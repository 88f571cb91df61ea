/**
 * Turns of Bun's event loop.
 *
 * Reads of a descriptor complete at once. A relay whose ends are both always
 * ready would never return to the event loop.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/** Milliseconds for busy connections before other work has its turn. */
const TURN_MS = 5;

let dueMs = 0;
let turning: Promise<void> | undefined;

/**
 * Called by a loop that may be busy without end, before it continues.
 *
 * @returns A promise to wait for; `undefined` if the turn is not yet over.
 */
export function othersTurn(): Promise<void> | undefined {
  if (turning === undefined && performance.now() < dueMs) return undefined;
  return turning ??= turn();
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  turning = undefined;
  dueMs = performance.now() + TURN_MS;
}
