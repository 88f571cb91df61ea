/**
 * `fetch` through a Shadowsocks server, by an `ss-local` in this process that
 * only the caller can use.
 *
 * @module
 */
import { ProxiedFetch } from "../adapters/net/proxied_fetch.ts";
import { systemRandomBytes } from "../random.ts";
import { startLocal } from "../service/inbound/local.ts";
import type { UpstreamServer } from "../service/outbound/shadowsocks.ts";
import { serverFromUri } from "./keys.ts";
import { onThisSystem, type SystemDependencies } from "./system.ts";

/** A `fetch` through one server; the caller disposes of it. */
export interface TunnelFetch extends AsyncDisposable {
  /**
   * Fetches like the global `fetch`; all traffic is sent through the server.
   */
  fetch(
    input: string | URL | Request,
    init?: RequestInit,
  ): Promise<Response>;
  /** Aborts all running requests, and closes the proxy. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a `fetch` that sends all requests through a server, also `https://`.
 *
 * It listens on a port of the loopback interface that the system chooses, and
 * accepts only connections with a random password. `NO_PROXY` in the environment
 * still applies if the runtime reads it.
 *
 * @param server A link, or a server with its keys.
 * @throws {ConfigError} If the link is invalid.
 * @throws {TransportError} If no port is free to listen on.
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
