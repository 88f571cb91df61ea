/**
 * Turns of Deno's event loop.
 *
 * A read or write that need not wait settles before the event loop continues. A
 * relay whose ends are both always ready would copy hundreds of chunks, for a
 * second with a slow cipher, before a connection is accepted or a timer runs.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/** Milliseconds for busy connections before other work has its turn. */
const TURN_MS = 20;

/**
 * Turns of the event loop after which all sockets have been polled. Tokio, on
 * which Deno runs, polls every 61 turns. The 64 turns take 0.1 ms; a timer
 * would take 1 to 2 ms.
 */
const LOOPS = 64;

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
  for (let i = 0; i < LOOPS; i++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  turning = undefined;
  dueMs = performance.now() + TURN_MS;
}
