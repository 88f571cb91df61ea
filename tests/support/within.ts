/**
 * Limits a wait in a test.
 *
 * @module
 */

/**
 * Waits for a promise, but not for ever.
 *
 * @param limitMs Limit of the wait in milliseconds.
 * @param what The expected event, for the error; a function is called late, so
 *   that it can show what was seen until then.
 */
export async function within<T>(
  limitMs: number,
  what: string | (() => string),
  promise: Promise<T>,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const text = typeof what === "string" ? what : what();
      reject(new Error(`Waited ${limitMs} ms in vain for ${text}`));
    }, limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits real time. */
export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

/** Polls until the answer is true. */
export async function until(
  limitMs: number,
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!await condition()) {
    if (performance.now() > deadline) {
      throw new Error(`Waited ${limitMs} ms in vain until ${what}`);
    }
    await pause(20);
  }
}
