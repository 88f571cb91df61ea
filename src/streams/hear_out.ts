/**
 * Reads what a peer sends before the relay starts.
 *
 * @module
 */
import { onAbort, type StopSignal } from "../on_abort.ts";
import type { Channel } from "./channel.ts";

/**
 * Reads chunks until `take` has a result, with one promise for any number of
 * chunks.
 *
 * @param channel Nothing else may read it meanwhile.
 * @param take Called with each chunk, and with `"end"` at the end, for which it
 * must return a result. `undefined` means that it needs more bytes.
 * @param signal Its abort rejects the wait with the signal's reason; no byte is
 * lost.
 * @throws The error of a read or of `take`.
 */
export function hearOut<T extends object | string>(
  channel: Pick<Channel, "reader" | "onReady">,
  take: (chunk: Uint8Array | "end") => T | undefined,
  signal: StopSignal,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  if (signal.aborted) {
    reject(signal.reason);
    return promise;
  }
  const leave = onAbort(signal, () => {
    channel.onReady = undefined;
    reject(signal.reason);
  });
  const stop = (): void => {
    leave();
    channel.onReady = undefined;
  };
  const goOn = (): void => {
    try {
      let heard: T | undefined;
      while (heard === undefined) {
        const chunk = channel.reader.tryRead();
        if (chunk === undefined) return;
        heard = take(chunk);
      }
      stop();
      resolve(heard);
    } catch (error) {
      stop();
      reject(error);
    }
  };
  channel.onReady = goOn;
  goOn();
  return promise;
}
