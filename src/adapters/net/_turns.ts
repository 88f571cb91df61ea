/**
 * Turns of the event loop.
 *
 * Reads and writes that need not wait complete at once. A relay whose ends are
 * both always ready would copy hundreds of chunks, for a second with a slow
 * cipher, before a connection is accepted or a timer runs.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/**
 * Returns a function for loops that may be busy without end, to call before
 * they continue. It returns a promise to wait for; `undefined` if the turn of
 * the loops is not yet over.
 *
 * @param turnMs Milliseconds for busy connections before other work has its
 * turn.
 * @param loops Turns of the event loop after which all sockets have been
 * polled.
 */
export function turnsOf(
  turnMs: number,
  loops: number,
): () => Promise<void> | undefined {
  let dueMs = 0;
  let turning: Promise<void> | undefined;
  const turn = async (): Promise<void> => {
    for (let i = 0; i < loops; i++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    turning = undefined;
    dueMs = performance.now() + turnMs;
  };
  return () => {
    if (turning === undefined && performance.now() < dueMs) return undefined;
    return turning ??= turn();
  };
}
