/**
 * Limits the connections of an HTTP server.
 *
 * @module
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";

/**
 * The connections of one server. At the limit, a new connection replaces the
 * one that has waited longest for its client: for the rest of a request, for
 * the next request, or for the answer to be read. So clients that stall cannot
 * block the port. The new connection is closed only if a complete request of
 * every connection is being handled.
 *
 * `server.maxConnections` cannot be used: Bun does not support it. Bun also
 * reports a connection only after its first bytes, and its end late.
 */
export class HttpConnections {
  readonly #limit: number;
  /** Connections by their origin, the longest idle first. */
  readonly #open = new Map<Socket | string, OpenConnection>();

  /** @param limit Maximum of open connections. */
  constructor(server: Server, limit: number) {
    this.#limit = limit;
    server.on("connection", (socket: Socket) => this.#take(socket));
  }

  /** Keeps the connection open while its request is handled. */
  async handle<T>(socket: Socket, handler: () => Promise<T>): Promise<T> {
    const key = keyOf(socket);
    this.#change(key, 1);
    try {
      return await handler();
    } finally {
      this.#change(key, -1);
    }
  }

  #take(socket: Socket): void {
    if (this.#open.size >= this.#limit && !this.#makeRoom()) {
      socket.destroy();
      return;
    }
    const key = keyOf(socket);
    const connection = { socket, handling: 0 };
    this.#open.set(key, connection);
    socket.once("close", () => {
      if (this.#open.get(key)?.socket === socket) this.#open.delete(key);
    });
  }

  /** @returns False if a request of every connection is being handled. */
  #makeRoom(): boolean {
    for (const [key, { socket, handling }] of this.#open) {
      if (handling > 0) continue;
      this.#open.delete(key);
      socket.destroy();
      return true;
    }
    return false;
  }

  #change(key: Socket | string, difference: 1 | -1): void {
    const connection = this.#open.get(key);
    // The client or the limit has closed the connection.
    if (connection === undefined) return;
    this.#open.delete(key);
    const handling = connection.handling + difference;
    this.#open.set(key, { ...connection, handling });
  }
}

interface OpenConnection {
  readonly socket: Socket;
  /** Number of requests that are being handled. */
  readonly handling: number;
}

/**
 * Returns a key for a connection. Inside TLS on Deno a request has another
 * socket than its connection, with the same remote address.
 */
function keyOf(socket: Socket): Socket | string {
  const { remoteAddress, remotePort } = socket;
  return remotePort === undefined ? socket : `${remoteAddress} ${remotePort}`;
}
