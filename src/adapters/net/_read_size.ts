/**
 * Chooses the length of reads, so that all connections of a thread together
 * need little memory, regardless of their number and of slow receivers.
 *
 * @module
 */
import {
  CROWDED_READ_BUFFER,
  MAX_BUSY_READ_BYTES,
  MAX_READ_BUFFER,
  MAX_WAITING_BYTES,
} from "../../limits.ts";

/** Number of connections that read with large buffers. */
let busyReaders = 0;

/** Length of all writes that the system has not fully accepted, in bytes. */
let waitingBytes = 0;

/**
 * Returns the maximum length of a read of a busy connection. All such buffers
 * together fit into the buffer pool; buffers beyond it would become garbage.
 * While many bytes wait for slow receivers, reads are short.
 */
export function longestRead(): number {
  if (waitingBytes > MAX_WAITING_BYTES) return CROWDED_READ_BUFFER;
  const share = MAX_BUSY_READ_BYTES / Math.max(1, busyReaders);
  const size = 2 ** Math.floor(Math.log2(share));
  return Math.min(MAX_READ_BUFFER, Math.max(CROWDED_READ_BUFFER, size));
}

/** Counts a connection that starts or stops to read with large buffers. */
export function countReader(isBusy: boolean): void {
  busyReaders += isBusy ? 1 : -1;
}

/** Counts the length of a waiting write; a negative number ends it. */
export function countWaiting(bytes: number): void {
  waitingBytes += bytes;
}
