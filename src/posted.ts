/**
 * Adapts a promise of a datagram to a callback.
 *
 * @module
 */
import type { Posted } from "./transport.ts";

/** Calls `posted` with the result of `sending`; see `DatagramSocket.post`. */
export function tellPosted(sending: Promise<unknown>, posted: Posted): void {
  sending.then(() => posted(), posted);
}
