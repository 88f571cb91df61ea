/**
 * Counts the datagrams for which sockets had no room.
 *
 * @module
 */

/** A socket that counts its lost datagrams. */
interface Counting {
  readonly dropped: number;
}

/** The lost datagrams of all sockets of a transport. */
export class LostDatagrams {
  readonly #open = new Set<Counting>();
  #closed = 0;

  /** Number of lost datagrams since the start, with those of closed sockets. */
  get total(): number {
    let sum = this.#closed;
    for (const { dropped } of this.#open) sum += dropped;
    return sum;
  }

  /** Adds a socket. */
  add(socket: Counting): void {
    this.#open.add(socket);
  }

  /** Removes a socket, before it is closed. Idempotent. */
  remove(socket: Counting): void {
    if (this.#open.delete(socket)) this.#closed += socket.dropped;
  }
}
