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
 * `server.maxConnections` is not known to Bun, which tells of a connection only
 * once it has sent something, and of its end some connections late.
 */
export class HttpConnections {
  readonly #limit: number;
  /** Requests of each being handled; the longest without one come first. */
  readonly #handling = new Map<Socket, number>();

  /** @param limit Connections at once. */
  constructor(server: Server, limit: number) {
    this.#limit = limit;
    server.on("connection", (socket: Socket) => this.#take(socket));
  }

  /** Keeps the connection open while a request of it is handled. */
  async handle<T>(socket: Socket, handler: () => Promise<T>): Promise<T> {
    this.#change(socket, 1);
    try {
      return await handler();
    } finally {
      this.#change(socket, -1);
    }
  }

  #take(socket: Socket): void {
    if (this.#handling.size >= this.#limit && !this.#makeRoom()) {
      socket.destroy();
      return;
    }
    this.#handling.set(socket, 0);
    socket.once("close", () => this.#handling.delete(socket));
  }

  /** @returns `false` when a request of every connection is being handled. */
  #makeRoom(): boolean {
    for (const [socket, count] of this.#handling) {
      if (count > 0) continue;
      this.#handling.delete(socket);
      socket.destroy();
      return true;
    }
    return false;
  }

  #change(socket: Socket, difference: 1 | -1): void {
    const count = this.#handling.get(socket);
    // It was closed, by its client or to make room.
    if (count === undefined) return;
    this.#handling.delete(socket);
    this.#handling.set(socket, count + difference);
  }
}
