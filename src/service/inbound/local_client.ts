/**
 * An application's connection to `ss-local`: its first bytes, and the answer it
 * gets before the connection closes.
 *
 * @module
 */
import { NOTHING } from "../../bytes.ts";
import { abortable, type Clock, Deadline } from "../../clock.ts";
import { FIRST_PAYLOAD_WAIT_MS, REFUSAL_LINGER_MS } from "../../limits.ts";
import { Channel } from "../../streams/channel.ts";
import { drain } from "../../streams/drain.ts";
import { hearOut } from "../../streams/hear_out.ts";
import type { Connection } from "../../transport.ts";

/** The channel of an application; payload is neither sealed nor opened. */
export class LocalClient extends Channel {
  readonly #clock: Clock;
  readonly #answerTimeoutMs: number;

  /**
   * Makes a channel that owns the connection's reading and writing.
   *
   * @param clock Measures the waits.
   * @param answerTimeoutMs Milliseconds for the application to read an answer.
   */
  constructor(connection: Connection, clock: Clock, answerTimeoutMs: number) {
    super(connection);
    this.#clock = clock;
    this.#answerTimeoutMs = answerTimeoutMs;
  }

  /**
   * Sends an answer to the application.
   *
   * @param bytes If empty, nothing is written.
   * @param signal Its abort ends the wait.
   * @returns Settles when the system has taken the bytes; `undefined` if it
   * already has.
   * @throws {TransportError} `ERR_NET_TIMEOUT` if the application does not
   * read.
   */
  answer(bytes: Uint8Array, signal: AbortSignal): Promise<void> | undefined {
    const rest = bytes.length === 0 ? bytes : this.writer.writeNow(bytes);
    return rest.length === 0 ? undefined : this.#answerLater(rest, signal);
  }

  async #answerLater(rest: Uint8Array, signal: AbortSignal): Promise<void> {
    using deadline = new Deadline(this.#clock, {
      delayMs: this.#answerTimeoutMs,
      parent: signal,
    });
    await abortable(this.writer.write(rest), deadline.signal);
  }

  /**
   * Waits a short time for the first bytes of the application. Salt, address
   * and payload then leave in one segment, whose size varies.
   */
  firstPayload(signal: AbortSignal): Uint8Array | Promise<Uint8Array> {
    const chunk = this.reader.tryRead();
    return chunk === undefined ? this.#payloadSoon(signal) : unlessEnd(chunk);
  }

  async #payloadSoon(signal: AbortSignal): Promise<Uint8Array> {
    using wait = new Deadline(this.#clock, {
      delayMs: FIRST_PAYLOAD_WAIT_MS,
      parent: signal,
    });
    try {
      return await hearOut(this, unlessEnd, wait.signal);
    } catch (error) {
      if (error === wait.signal.reason && !signal.aborted) return NOTHING;
      throw error;
    }
  }

  /** Sends a refusal, after the server has not served the request. */
  async refuse(reply: Uint8Array, signal: AbortSignal): Promise<void> {
    try {
      await this.answer(reply, signal);
    } catch {
      // The application has closed or does not read, so it needs no reply.
      return;
    }
    await this.hangUp(signal);
  }

  /** Lets the application read the last answer before the connection closes. */
  async hangUp(signal: AbortSignal): Promise<void> {
    using linger = new Deadline(this.#clock, {
      delayMs: REFUSAL_LINGER_MS,
      parent: signal,
    });
    try {
      await abortable(this.writer.close(), linger.signal);
    } catch {
      // The application has closed or does not read, so it needs no answer.
      return;
    }
    await drain(this.reader, linger.signal);
  }
}

function unlessEnd(chunk: Uint8Array | "end"): Uint8Array {
  return chunk === "end" ? NOTHING : chunk;
}
