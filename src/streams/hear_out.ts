/**
 * What a peer says before its bytes are relayed.
 *
 * @module
 */
import { onAbort, type StopSignal } from "../on_abort.ts";
import type { Channel } from "./channel.ts";

/**
 * Takes what a peer says, as it comes, until that is enough: one promise,
 * however it is split.
 *
 * @param channel Not read otherwise meanwhile.
 * @param take Given each chunk, and `"end"` at the end, after which it must be
 * content. What it returns is the result; `undefined`: more is needed.
 * @param signal Its abort rejects the wait with the signal's reason. No byte is
 * lost by that.
 * @throws What a read has failed with, and what `take` throws.
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
