/**
 * An HTTP server to fetch something from.
 *
 * @module
 */
import { createServer, type Server } from "node:http";
import type { Address } from "./tcp.ts";

/** A running HTTP server that answers every GET with one text. */
export class HttpTarget implements AsyncDisposable {
  /** Where it listens. */
  readonly address: Address;
  readonly #server: Server;

  private constructor(server: Server, address: Address) {
    this.#server = server;
    this.address = address;
  }

  /**
   * Starts one on a port the system chooses.
   *
   * @throws When the address is not there, as `::1` may not be.
   */
  static start(text: string, host: string): Promise<HttpTarget> {
    const server = createServer((_request, response) => {
      response.setHeader("content-type", "text/plain; charset=utf-8");
      response.setHeader("connection", "close");
      response.end(text);
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, host, () => {
        const address = server.address();
        if (address === null || typeof address === "string") {
          reject(new Error("The HTTP server listens on no port"));
        } else resolve(new HttpTarget(server, { host, port: address.port }));
      });
    });
  }

  /** Ends it and its connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
