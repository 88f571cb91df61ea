/**
 * `fetch` through a Shadowsocks server: by an `ss-local` in this process that
 * only its maker can use.
 *
 * @module
 */
import { ProxiedFetch } from "../adapters/net/proxied_fetch.ts";
import { systemRandomBytes } from "../random.ts";
import { startLocal } from "../service/inbound/local.ts";
import type { UpstreamServer } from "../service/outbound/shadowsocks.ts";
import { serverFromUri } from "./keys.ts";
import { onThisSystem, type SystemDependencies } from "./system.ts";

/** A `fetch` of its own; the caller disposes of it. */
export interface TunnelFetch extends AsyncDisposable {
  /** Fetches as the global `fetch` does, with everything through the server. */
  fetch(
    input: string | URL | Request,
    init?: RequestInit,
  ): Promise<Response>;
  /** Ends what is under way, and the proxy behind it. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a `fetch` that goes through a server, `https://` included.
 *
 * It listens on a port of the loopback interface that the system chooses, and
 * takes nothing without a random password. `NO_PROXY` in the environment still
 * counts where the runtime reads it.
 *
 * @param server A link, or a server with its keys.
 * @throws {ConfigError} When the link cannot be understood.
 * @throws {TransportError} When there is no port to listen on.
 *
 * @example Fetch a page
 * ```ts no-eval
 * await using tunnel = await createFetch("ss://…");
 * const page = await tunnel.fetch("https://example.com/");
 * console.log(page.status, await page.text());
 * ```
 */
export async function createFetch(
  server: string | UpstreamServer,
  options: SystemDependencies = {},
): Promise<TunnelFetch> {
  const upstream = typeof server === "string" ? serverFromUri(server) : server;
  const password = (options.randomBytes ?? systemRandomBytes)(16).toHex();
  const local = await startLocal({
    listen: { host: "127.0.0.1", port: 0 },
    servers: [upstream],
    protocol: "http",
    users: [{ username: USER, password }],
  }, onThisSystem(options, [upstream.method]));
  const proxy = new ProxiedFetch(local.address, USER, password);
  const close = async (): Promise<void> => {
    proxy.close();
    await local.stop(0);
  };
  return {
    fetch: (input, init) => proxy.fetch(input, init),
    close,
    [Symbol.asyncDispose]: close,
  };
}

const USER = "umbra";
