/**
 * The bound of the connections to an HTTP server, and which of them makes room.
 *
 * @module
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";

/**
 * The connections of one server. At the limit a new one takes the place of the
 * one that has waited longest for its client: for the rest of a request, for
 * the next one, or for the answer to be read. So clients that stall cannot
 * shut the port to others. Only where every request is whole and being handled
 * is the new connection closed.
 *
 * `server.maxConnections` is not known to Bun, which reports a connection only
 * once it has sent something, and of its end some connections late.
 */
export class HttpConnections {
  readonly #limit: number;
  /** By where they come from; the longest without a request come first. */
  readonly #open = new Map<Socket | string, OpenConnection>();

  /** @param limit Connections at once. */
  constructor(server: Server, limit: number) {
    this.#limit = limit;
    server.on("connection", (socket: Socket) => this.#take(socket));
  }

  /** Keeps the connection open while a request of it is handled. */
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

  /** @returns `false` when a request of every connection is being handled. */
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
    // It was closed, by its client or to make room.
    if (connection === undefined) return;
    this.#open.delete(key);
    const handling = connection.handling + difference;
    this.#open.set(key, { ...connection, handling });
  }
}

interface OpenConnection {
  readonly socket: Socket;
  /** Requests that are being handled. */
  readonly handling: number;
}

/**
 * Inside TLS a request has another socket than the connection had, on Deno, but
 * the same other end.
 */
function keyOf(socket: Socket): Socket | string {
  const { remoteAddress, remotePort } = socket;
  return remotePort === undefined ? socket : `${remoteAddress} ${remotePort}`;
}
