/**
 * A channel as plain bytes both ways.
 *
 * @module
 */
import type { ByteStream } from "../transport.ts";
import type { Channel } from "./channel.ts";

/** The payload of a channel, as TLS is spoken over it. */
export function streamOf(channel: Channel): ByteStream {
  return {
    read: (signal = NEVER) => channel.read(signal),
    write: (bytes, signal = NEVER) => channel.write(bytes, signal),
    close: () => channel.close(),
  };
}

const NEVER = new AbortController().signal;
