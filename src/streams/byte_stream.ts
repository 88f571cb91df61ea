/**
 * A channel as a plain byte stream.
 *
 * @module
 */
import type { ByteStream } from "../transport.ts";
import type { Channel } from "./channel.ts";

/** Returns the payload of a channel as a byte stream, for TLS over it. */
export function streamOf(channel: Channel): ByteStream {
  return {
    read: (signal = NEVER) => channel.read(signal),
    write: (bytes, signal = NEVER) => channel.write(bytes, signal),
    close: () => channel.close(),
  };
}

const NEVER = new AbortController().signal;
