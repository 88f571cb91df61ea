/**
 * `fetch` through an HTTP proxy, for which Deno and Bun have different options.
 *
 * @module
 */
import type { Endpoint } from "../../transport.ts";

/** Fetches through one proxy until it is closed. */
export class ProxiedFetch implements Disposable {
  readonly #options: Record<string, unknown>;
  readonly #stop = new AbortController();
  readonly #client: Deno.HttpClient | undefined;

  /**
   * Prepares the proxy; nothing is connected yet.
   *
   * @param proxy An HTTP proxy that supports CONNECT.
   * @param username The user name for the proxy.
   * @param password The password for the proxy.
   */
  constructor({ host, port }: Endpoint, username: string, password: string) {
    if ("Deno" in globalThis) {
      this.#client = Deno.createHttpClient({
        proxy: {
          url: `http://${host}:${port}`,
          basicAuth: { username, password },
        },
      });
      this.#options = { client: this.#client };
    } else {
      this.#options = {
        proxy: `http://${username}:${password}@${host}:${port}`,
      };
    }
  }

  /** Fetches like the global `fetch`. */
  fetch(
    input: string | URL | Request,
    init: RequestInit = {},
  ): Promise<Response> {
    const signals = [this.#stop.signal, ...init.signal ? [init.signal] : []];
    return fetch(input, {
      ...init,
      signal: AbortSignal.any(signals),
      ...this.#options,
    });
  }

  /** Aborts all running requests. Idempotent. */
  close(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#client?.close();
  }

  /** Same as {@link ProxiedFetch.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
