/**
 * The parts of the npm package `undici` that tests use. Its own types need
 * other declarations of `node:` modules than Deno's.
 *
 * @module
 */

/** Sends requests through an HTTP proxy. */
export class ProxyAgent {
  constructor(options: {
    readonly uri: string;
    readonly token?: string;
    readonly proxyTunnel?: boolean;
  });
  close(): Promise<void>;
  destroy(): Promise<void>;
}

/** Fetches like the web's `fetch`, through a dispatcher. */
export function fetch(
  url: string,
  options: RequestInit & { readonly dispatcher: ProxyAgent },
): Promise<Response>;
