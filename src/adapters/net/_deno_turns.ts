/**
 * Turns on Deno's event loop.
 *
 * A read or write that need not wait settles before the event loop turns again.
 * So a relay whose ends are both always ready goes on for hundreds of chunks,
 * a second with a slow cipher, and nothing else happens meanwhile: no
 * connection is accepted, no timer runs.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/** Milliseconds that busy connections may take before it is others' turn. */
const TURN_MS = 20;

/**
 * Turns of the event loop after which the sockets have been looked at: Tokio,
 * which Deno runs on, does so every 61. All of them take 0.1 ms; a timer, which
 * would do as well, takes 1 to 2.
 */
const LOOPS = 64;

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
  for (let i = 0; i < LOOPS; i++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  turning = undefined;
  dueMs = performance.now() + TURN_MS;
}
