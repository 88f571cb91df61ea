/**
 * A connection to a target through a Shadowsocks server, as Web Streams.
 *
 * @module
 */
import { type Address, parseAddress } from "../codec/address.ts";
import { CONNECT_TIMEOUT_MS } from "../limits.ts";
import { JointStop } from "../on_abort.ts";
import {
  Shadowsocks,
  type UpstreamServer,
} from "../service/outbound/shadowsocks.ts";
import { withDefaults } from "../service/service.ts";
import type { Channel } from "../streams/channel.ts";
import {
  type ChannelStreams,
  channelStreams,
} from "../streams/channel_streams.ts";
import { serverFromUri } from "./keys.ts";
import { onThisSystem, type SystemDependencies } from "./system.ts";

/** The options of a connection. */
export interface ConnectOptions extends SystemDependencies {
  /** Its abort ends the dial, and later fails both streams. */
  readonly signal?: AbortSignal;
  /** Milliseconds to resolve and connect to the server; default 10,000. */
  readonly connectTimeoutMs?: number;
}

/** A connection through a server; the caller disposes of it. */
export interface Tunnel extends ChannelStreams, Disposable {
  /** Ends both directions. Idempotent. */
  close(): void;
}

/**
 * Connects to a target through a server.
 *
 * A server never reports a wrong key or an unreachable target: in both cases the
 * stream ends without a byte, or never begins.
 *
 * @param server A link, or a server with its keys.
 * @param target `HOST:PORT`, or an address.
 * @throws {ConfigError} If a text is invalid.
 * @throws {TransportError} If the server cannot be reached.
 *
 * @example Ask a web server for its time
 * ```ts no-eval
 * using tunnel = await connect("ss://…", "example.com:80");
 * const writer = tunnel.writable.getWriter();
 * await writer.write(
 *   new TextEncoder().encode("HEAD / HTTP/1.0\r\nHost: example.com\r\n\r\n"),
 * );
 * for await (const bytes of tunnel.readable) {
 *   console.log(new TextDecoder().decode(bytes));
 * }
 * ```
 */
export async function connect(
  server: string | UpstreamServer,
  target: string | Address,
  options: ConnectOptions = {},
): Promise<Tunnel> {
  const upstream = typeof server === "string" ? serverFromUri(server) : server;
  const { signal: given, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
  const world = withDefaults(onThisSystem(options, [upstream.method]));
  const stop = new JointStop(...given ? [given] : []);
  const close = (): void => {
    stop.abort(new DOMException("The tunnel was closed", "AbortError"));
    stop[Symbol.dispose]();
    channel?.close();
  };
  let channel: Channel | undefined;
  try {
    channel = await new Shadowsocks(upstream, connectTimeoutMs, world).open(
      typeof target === "string" ? parseAddress(target) : target,
      new Uint8Array(0),
      stop,
    );
  } catch (error) {
    close();
    throw error;
  }
  return {
    ...channelStreams(channel, stop),
    close,
    [Symbol.dispose]: close,
  };
}
