/**
 * A channel as a pair of Web Streams.
 *
 * @module
 */
import type { StopSignal } from "../on_abort.ts";
import type { Channel } from "./channel.ts";

/** The payload in both directions. */
export interface ChannelStreams {
  /** The payload of the target, until it ends its side. */
  readonly readable: ReadableStream<Uint8Array>;
  /** The payload for the target; `close()` is a half-close. */
  readonly writable: WritableStream<Uint8Array>;
}

/**
 * Makes streams of a channel. Nothing is read ahead, and a write settles when
 * the system has taken it.
 *
 * The request is sent with the first write, or with the first read if that
 * comes earlier.
 *
 * @param channel Only this object may use it from now on.
 * @param signal Its abort fails both streams with the signal's reason.
 */
export function channelStreams(
  channel: Channel,
  signal: StopSignal,
): ChannelStreams {
  let begun = false;
  const write = async (payload: Uint8Array): Promise<void> => {
    begun = true;
    await channel.write(payload, signal);
  };
  return {
    readable: new ReadableStream({
      async pull(controller): Promise<void> {
        if (!begun) await write(new Uint8Array(0));
        const payload = await channel.read(signal);
        if (payload === undefined) controller.close();
        else controller.enqueue(payload);
      },
    }, { highWaterMark: 0 }),
    writable: new WritableStream({
      write,
      async close(): Promise<void> {
        if (!begun) await write(new Uint8Array(0));
        await channel.closeWrite();
      },
      abort: () => channel.cut(),
    }),
  };
}
