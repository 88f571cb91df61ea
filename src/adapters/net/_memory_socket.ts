/**
 * Two sockets connected by two bounded byte queues.
 *
 * @module
 */
import { TransportError } from "../../errors.ts";
import type { Endpoint } from "../../transport.ts";
import type { ReadyOwner, ReadySocket } from "./_connection.ts";
import { CLOSED } from "./_errors.ts";

/** The options that both directions of a pair share. */
export interface PairOptions {
  /** Maximum of bytes that one read returns. */
  readonly split: number;
  /** Maximum of bytes that wait in one direction. */
  readonly capacity: number;
  /** Called once for each closed end. */
  readonly onClose: () => void;
}

/** One end of an in-process connection. */
export class MemorySocket implements ReadySocket {
  owner: ReadyOwner | undefined;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #input: Pipe;
  readonly #output: Pipe;
  readonly #onClose: () => void;
  #isTelling = false;

  private constructor(
    local: Endpoint,
    remote: Endpoint,
    [input, output]: [Pipe, Pipe],
    onClose: () => void,
  ) {
    this.local = local;
    this.remote = remote;
    this.#input = input;
    this.#output = output;
    this.#onClose = onClose;
    input.onReadable = output.onWritable = () => this.#ready();
  }

  /** Makes both ends of a connection from `client` to `server`. */
  static pair(
    client: Endpoint,
    server: Endpoint,
    { split, capacity, onClose }: PairOptions,
  ): [MemorySocket, MemorySocket] {
    const up = new Pipe(capacity, split);
    const down = new Pipe(capacity, split);
    return [
      new MemorySocket(client, server, [down, up], onClose),
      new MemorySocket(server, client, [up, down], onClose),
    ];
  }

  tryRead(): Uint8Array | "end" | undefined {
    return this.#input.tryRead();
  }

  tryWrite(chunk: Uint8Array): number {
    return this.#output.tryWrite(chunk);
  }

  shutdown(): undefined {
    this.#output.end();
  }

  /** Calls back in a later turn: systems do not call back within a call. */
  #ready(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      this.owner?.ready();
    });
  }

  /** Closes like TCP: with FIN, or with RST if there is unread input. */
  close(): void {
    if (this.#input.isEmpty) this.#output.end();
    else this.#output.fail();
    this.#output.stopWriting();
    this.#input.fail(CLOSED);
    this.#onClose();
  }

  /** Fails both directions at both ends. */
  cutOnClose(): void {
    this.#input.fail();
    this.#output.fail();
  }
}

/** One direction. */
class Pipe {
  /** Called when there may be bytes to read. */
  onReadable: () => void = () => {};
  /** Called when there may be room. */
  onWritable: () => void = () => {};
  readonly #capacity: number;
  readonly #split: number;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #ended = false;
  #stopped = false;
  #failure: TransportError | undefined;

  constructor(capacity: number, split: number) {
    this.#capacity = capacity;
    this.#split = split;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  tryRead(): Uint8Array | "end" | undefined {
    if (this.#size === 0) {
      if (this.#failure) throw this.#failure;
      return this.#ended ? "end" : undefined;
    }
    const chunk = this.#take();
    this.onWritable();
    return chunk;
  }

  tryWrite(chunk: Uint8Array): number {
    if (this.#failure || this.#stopped) throw resetError();
    const part = chunk.slice(0, this.#capacity - this.#size);
    if (part.length > 0) {
      this.#chunks.push(part);
      this.#size += part.length;
      this.onReadable();
    }
    return part.length;
  }

  /** Sends FIN: the reader gets the queued bytes, then the end. */
  end(): void {
    this.#ended = true;
    this.onReadable();
  }

  /** Fails a waiting write. */
  stopWriting(): void {
    this.#stopped = true;
    this.onWritable();
  }

  /**
   * Sends RST: the reader gets the queued bytes, then an error; the writer gets
   * an error.
   */
  fail(failure: TransportError = resetError()): void {
    this.#failure ??= failure;
    this.onReadable();
    this.onWritable();
  }

  #take(): Uint8Array {
    const first = this.#chunks[0]!;
    if (first.length <= this.#split) {
      this.#chunks.shift();
      this.#size -= first.length;
      return first;
    }
    this.#chunks[0] = first.subarray(this.#split);
    this.#size -= this.#split;
    return first.slice(0, this.#split);
  }
}

function resetError(): TransportError {
  return new TransportError("ERR_NET_RESET", "Connection reset by peer");
}
