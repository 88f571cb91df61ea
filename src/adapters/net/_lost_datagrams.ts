/**
 * Datagrams that sockets had no room for.
 *
 * @module
 */

/** A socket that counts. */
interface Counting {
  readonly dropped: number;
}

/** Those of all sockets of a transport. */
export class LostDatagrams {
  readonly #open = new Set<Counting>();
  #closed = 0;

  /** Since the start, also of sockets that are closed. */
  get total(): number {
    let sum = this.#closed;
    for (const { dropped } of this.#open) sum += dropped;
    return sum;
  }

  /** Counts a socket from now on. */
  add(socket: Counting): void {
    this.#open.add(socket);
  }

  /** Call it before the socket is closed. Idempotent. */
  remove(socket: Counting): void {
    if (this.#open.delete(socket)) this.#closed += socket.dropped;
  }
}
