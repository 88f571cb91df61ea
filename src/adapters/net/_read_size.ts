/**
 * How long a read may be, so that all connections of a thread together need
 * little memory, however many there are and whether or not their bytes move on.
 *
 * @module
 */
import {
  CROWDED_READ_BUFFER,
  MAX_BUSY_READ_BYTES,
  MAX_READ_BUFFER,
  MAX_WAITING_BYTES,
} from "../../limits.ts";

/** The number of connections that read with big buffers. */
let busyReaders = 0;

/** Bytes of all writes that the system has not taken whole. */
let waitingBytes = 0;

/**
 * The longest read that a busy connection may do now. The buffers of all fit
 * into what is kept of them: those that do not become garbage. While many bytes
 * wait for receivers that do not read, few are read for each.
 */
export function longestRead(): number {
  if (waitingBytes > MAX_WAITING_BYTES) return CROWDED_READ_BUFFER;
  const share = MAX_BUSY_READ_BYTES / Math.max(1, busyReaders);
  const size = 2 ** Math.floor(Math.log2(share));
  return Math.min(MAX_READ_BUFFER, Math.max(CROWDED_READ_BUFFER, size));
}

/** A connection begins or ceases to read with big buffers. */
export function countReader(isBusy: boolean): void {
  busyReaders += isBusy ? 1 : -1;
}

/** A write of so many bytes waits; with a negative number, it has ended. */
export function countWaiting(bytes: number): void {
  waitingBytes += bytes;
}
