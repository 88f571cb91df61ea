/**
 * An HTTP server from which tests fetch a text.
 *
 * @module
 */
import { createServer, type Server } from "node:http";
import type { Address } from "./tcp.ts";

/** A running HTTP server that answers every GET with one text. */
export class HttpTarget implements AsyncDisposable {
  /** The listening address. */
  readonly address: Address;
  readonly #server: Server;

  private constructor(server: Server, address: Address) {
    this.#server = server;
    this.address = address;
  }

  /**
   * Starts a server on a port that the system chooses.
   *
   * @throws If the address does not exist, for example `::1`.
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

  /** Stops the server and closes its connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
