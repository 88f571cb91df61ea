/**
 * Datagrams that are sent by a promise, for who has posted them.
 *
 * @module
 */
import type { Posted } from "./transport.ts";

/** Reports the result of a datagram; see `DatagramSocket.post`. */
export function tellPosted(sending: Promise<unknown>, posted: Posted): void {
  sending.then(() => posted(), posted);
}
