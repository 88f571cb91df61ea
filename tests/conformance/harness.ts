/**
 * What the parts of the conformance suite share: connected pairs, bounded
 * waits, data that can be recognised.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type {
  Connection,
  Endpoint,
  Listener,
  Transport,
} from "../../src/transport.ts";
import type { TransportErrorCode } from "../../src/errors.ts";
import { TransportError } from "../../src/errors.ts";
import { acceptFrom } from "../support/streams.ts";

/** A transport and what a test needs to provoke its network. */
export interface Fixture {
  readonly transport: Transport;
  /** Descriptors, or what stands for them. */
  openHandles(): number;
  /** A dialled connection whose peer is able to reset it. */
  resettable(): Promise<Resettable>;
  /** Somewhere a dial gets no answer once the backlog is full. */
  silentEndpoint(): Promise<SilentEndpoint>;
}

/** See {@link Fixture.resettable}. */
export interface Resettable {
  readonly connection: Connection;
  reset(): void;
  close(): Promise<void>;
}

/** See {@link Fixture.silentEndpoint}. */
export interface SilentEndpoint {
  readonly endpoint: Endpoint;
  close(): Promise<void>;
}

/** 8 MiB without a pattern that repeats within a buffer. */
export const BLOB: Uint8Array = makeBlob(8 * 1_048_576);

/** Both ends of a connection and the listener that made it. */
export class Pair implements Disposable {
  readonly client: Connection;
  readonly server: Connection;
  readonly listener: Listener;

  constructor(client: Connection, server: Connection, listener: Listener) {
    this.client = client;
    this.server = server;
    this.listener = listener;
  }

  static async open(transport: Transport, host = "127.0.0.1"): Promise<Pair> {
    const listener = await transport.listen({ host, port: 0 });
    const [client, server] = await within(Promise.all([
      transport.dial(listener.address),
      acceptFrom(listener),
    ]));
    assert(server !== undefined);
    return new Pair(client, server, listener);
  }

  [Symbol.dispose](): void {
    this.client.close();
    this.server.close();
    this.listener.close();
  }
}

/** Fails a wait that takes longer than `limitMs`. */
export async function within<T>(
  wait: Promise<T>,
  limitMs = 10_000,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Still waiting after ${limitMs} ms`)),
      limitMs,
    );
  });
  try {
    return await Promise.race([wait, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a wait is still going on after a while. */
export async function isPending(
  wait: Promise<unknown>,
  delayMs = 200,
): Promise<boolean> {
  const settled = wait.then(() => false, () => false);
  return await Promise.race([settled, pause(delayMs).then(() => true)]);
}

/** Waits. */
export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

/** Waits until a condition holds, or fails with the last value seen. */
export async function eventually(
  value: () => number,
  expected: (value: number) => boolean,
): Promise<void> {
  for (let i = 0; i < 100 && !expected(value()); i++) await pause(20);
  assert(expected(value()), `value is ${value()}`);
}

/** Expects a `TransportError` with this code. */
export async function rejectsWith(
  wait: Promise<unknown>,
  ...codes: TransportErrorCode[]
): Promise<void> {
  await assert.rejects(within(wait), (error) => {
    assert(error instanceof TransportError, `not mapped: ${error}`);
    assert(codes.includes(error.code), `${error.code}: ${error.message}`);
    return true;
  });
}

/** The code of a failure, or `connected`. */
export async function outcome(wait: Promise<unknown>): Promise<string> {
  try {
    await within(wait);
    return "connected";
  } catch (error) {
    return error instanceof TransportError ? error.code : String(error);
  }
}

/** Writes all of it, in chunks as a relay would, and releases the lock. */
export async function send(
  writable: WritableStream<Uint8Array>,
  bytes: Uint8Array,
  chunkLength = 65_536,
): Promise<void> {
  const writer = writable.getWriter();
  for (let at = 0; at < bytes.length; at += chunkLength) {
    await writer.write(bytes.subarray(at, at + chunkLength));
  }
  writer.releaseLock();
}

/** Reads `length` bytes, or to the end, and says what they were. */
export async function receive(
  readable: ReadableStream<Uint8Array>,
  length: number = Infinity,
): Promise<{ length: number; digest: string }> {
  const hash = createHash("sha256");
  const reader = readable.getReader();
  let received = 0;
  while (received < length) {
    const { done, value } = await reader.read();
    if (done) break;
    hash.update(value);
    received += value.length;
  }
  reader.releaseLock();
  return { length: received, digest: hash.digest("hex") };
}

/** What {@link receive} says about exactly these bytes. */
export function summary(bytes: Uint8Array): { length: number; digest: string } {
  const digest = createHash("sha256").update(bytes).digest("hex");
  return { length: bytes.length, digest };
}

/** Text as bytes. */
export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function makeBlob(length: number): Uint8Array {
  const words = new Uint32Array(length / 4);
  let state = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[i] = state;
  }
  return new Uint8Array(words.buffer);
}
