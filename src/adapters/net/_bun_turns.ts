/**
 * Turns of Bun's event loop.
 *
 * What is read of a descriptor is there at once. A relay whose ends are both
 * always ready would go on without end, and nothing else would happen.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/** Milliseconds that busy connections may take before it is others' turn. */
const TURN_MS = 5;

let dueMs = 0;
let turning: Promise<void> | undefined;

/**
 * What a loop that may be busy without end waits for before it goes on.
 *
 * @returns `undefined` while it is not yet others' turn.
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
