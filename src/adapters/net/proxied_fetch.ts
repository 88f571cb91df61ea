/**
 * `fetch` through an HTTP proxy, which Deno and Bun have each their way for.
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
   * Connects to nothing yet.
   *
   * @param proxy An HTTP proxy that knows CONNECT.
   * @param username What the proxy asks for.
   * @param password The same.
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

  /** Fetches as the global `fetch` does. */
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

  /** Ends what is under way. Idempotent. */
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
