/**
 * Reading and writing streams in tests.
 *
 * @module
 */
import { concat } from "../../src/bytes.ts";
import type { Connection, Listener } from "../../src/transport.ts";

/** Returns the next connection of a listener; `undefined` after a close. */
export async function acceptFrom(
  listener: Listener,
): Promise<Connection | undefined> {
  return (await listener.accept())?.connection;
}

/** Returns a stream of these chunks. */
export function streamOf(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks);
}

/** Reads everything until the end of the stream. */
export async function readAll(
  readable: ReadableStream<Uint8Array>,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readable) chunks.push(chunk);
  return concat(...chunks);
}

/** Reads `length` bytes and releases the stream; fails at an early end. */
export async function readExactly(
  connection: Connection,
  length: number,
): Promise<Uint8Array> {
  const reader = connection.readable.getReader();
  const chunks: Uint8Array[] = [];
  let have = 0;
  while (have < length) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`Ended after ${have} of ${length} bytes`);
    chunks.push(value);
    have += value.length;
  }
  reader.releaseLock();
  if (have > length) throw new Error(`Got ${have} bytes, wanted ${length}`);
  return concat(...chunks);
}

/** Writes and releases the stream. */
export async function send(
  connection: Connection,
  ...chunks: Uint8Array[]
): Promise<void> {
  const writer = connection.writable.getWriter();
  for (const chunk of chunks) await writer.write(chunk);
  writer.releaseLock();
}

/** What is observed of a peer: bytes, and the end. */
export interface Observation {
  /** Bytes received so far. */
  readonly received: Uint8Array;
  /** The end of the peer's side, or `open`. */
  readonly end: "open" | "fin" | string;
}

/**
 * Watches the input of a connection.
 *
 * @returns A function that returns the observation so far. The caller first
 * waits until everything possible has happened: `settle()`.
 */
export function observe(connection: Connection): () => Observation {
  const chunks: Uint8Array[] = [];
  let end = "open";
  const reader = connection.readable.getReader();
  (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      chunks.push(value);
    }
    end = "fin";
  })().catch((error) => end = error.code ?? String(error));
  return () => ({ received: concat(...chunks), end });
}
