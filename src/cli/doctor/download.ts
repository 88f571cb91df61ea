/**
 * A download through a Shadowsocks server, which measures its speed. It uses an
 * `ss-local` in this process, so that the result is what programs get, and
 * `https://` works.
 *
 * @module
 */
import { ProxiedFetch } from "../../adapters/net/proxied_fetch.ts";
import { abortable, Deadline } from "../../clock.ts";
import { silentMetrics } from "../../observe.ts";
import { startLocal } from "../../service/inbound/local.ts";
import type { UpstreamServer } from "../../service/outbound/shadowsocks.ts";
import type { ProbeWorld } from "./probe_server.ts";

/** The state of a download while it runs, and at its end. */
export interface DownloadState {
  /** Bytes of the body so far. */
  readonly bytes: number;
  /**
   * Bytes of the whole body; not set if the web server does not send the
   * length.
   */
  readonly total: number | undefined;
  /** Milliseconds since the first byte of the body. */
  readonly elapsedMs: number;
}

/** The options of a download. */
export interface DownloadOptions {
  readonly url: URL;
  /** Milliseconds after which the download ends. */
  readonly limitMs: number;
  /** Called after each piece. */
  progressed(state: DownloadState): void;
}

/**
 * Downloads until the end of the body or the time limit.
 *
 * @param world Its `waitMs` bounds the wait for the answer, and for each piece.
 * @throws {Error} When no answer comes, its status is not 200, or it stalls.
 */
export async function download(
  server: UpstreamServer,
  { url, limitMs, progressed }: DownloadOptions,
  world: ProbeWorld,
): Promise<DownloadState> {
  const { clock, transport, aeadProvider, keyStreamProvider } = world;
  const password = world.randomBytes(16).toHex();
  let connections = 0;
  const local = await startLocal({
    listen: { host: "127.0.0.1", port: 0 },
    servers: [server],
    protocol: "http",
    // The password keeps other programs of this machine from using it.
    users: [{ username: USER, password }],
  }, {
    ...{ transport, clock, aeadProvider, keyStreamProvider },
    metrics: {
      ...silentMetrics,
      connectionOpened: () => {
        connections++;
      },
    },
  });
  const proxy = new ProxiedFetch(local.address, USER, password);
  try {
    const response = await within(world, proxy.fetch(url, IDENTITY));
    if (!response.ok || response.body === null) {
      throw new Error(`it answered ${response.status}`);
    }
    if (connections === 0) {
      throw new Error("it went past the proxy; unset NO_PROXY and try again");
    }
    const length = Number(response.headers.get("content-length"));
    const total = length > 0 ? length : undefined;
    const reader = response.body.getReader();
    const startMs = clock.monotonicMs();
    let state: DownloadState = { bytes: 0, total, elapsedMs: 0 };
    while (state.elapsedMs < limitMs) {
      const { value } = await within(world, reader.read());
      if (value === undefined) break;
      const elapsedMs = clock.monotonicMs() - startMs;
      state = { bytes: state.bytes + value.length, total, elapsedMs };
      progressed(state);
    }
    return state;
  } finally {
    proxy.close();
    await local.stop(0);
  }
}

const USER = "check";

/** Headers that forbid compression, so that the bytes sent are counted. */
const IDENTITY = { headers: { "accept-encoding": "identity" } };

async function within<T>(
  { clock, waitMs }: ProbeWorld,
  operation: Promise<T>,
): Promise<T> {
  using deadline = new Deadline(clock, { delayMs: waitMs });
  return await abortable(operation, deadline.signal);
}
