/**
 * An application that is connected to `ss-local`: what it says first, and how
 * it hears a refusal before the connection closes.
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

/** The channel of an application; payload passes it as it is. */
export class LocalClient extends Channel {
  readonly #clock: Clock;
  readonly #answerTimeoutMs: number;

  /**
   * Takes reading and writing over.
   *
   * @param clock Measures the waits.
   * @param answerTimeoutMs How long it may take to take an answer.
   */
  constructor(connection: Connection, clock: Clock, answerTimeoutMs: number) {
    super(connection);
    this.#clock = clock;
    this.#answerTimeoutMs = answerTimeoutMs;
  }

  /**
   * Answers the application.
   *
   * @param bytes May be empty: nothing is written then.
   * @param signal Its abort gives the wait up.
   * @returns Settles when the system has taken them; `undefined`: it has
   * already.
   * @throws {TransportError} `ERR_NET_TIMEOUT` when it does not take them.
   */
  answer(bytes: Uint8Array, signal: AbortSignal): Promise<void> | undefined {
    const rest = bytes.length === 0 ? bytes : this.writer.writeNow(bytes);
    return rest.length === 0 ? undefined : this.#answerLater(rest, signal);
  }

  async #answerLater(rest: Uint8Array, signal: AbortSignal): Promise<void> {
    using deadline = new Deadline(this.#clock, {
      delayMs: this.#answerTimeoutMs,
      code: "ERR_NET_TIMEOUT",
      parent: signal,
    });
    await abortable(this.writer.write(rest), deadline.signal);
  }

  /**
   * What the application says first, if it does so soon: so that salt, address
   * and payload leave in one segment, whose size is not always the same.
   */
  firstPayload(signal: AbortSignal): Uint8Array | Promise<Uint8Array> {
    const chunk = this.reader.tryRead();
    return chunk === undefined ? this.#payloadSoon(signal) : unlessEnd(chunk);
  }

  async #payloadSoon(signal: AbortSignal): Promise<Uint8Array> {
    using wait = new Deadline(this.#clock, {
      delayMs: FIRST_PAYLOAD_WAIT_MS,
      code: "ERR_NET_TIMEOUT",
      parent: signal,
    });
    try {
      return await hearOut(this, unlessEnd, wait.signal);
    } catch (error) {
      if (error === wait.signal.reason && !signal.aborted) return NOTHING;
      throw error;
    }
  }

  /** Says no, when the server has turned out not to serve what was asked. */
  async refuse(reply: Uint8Array, signal: AbortSignal): Promise<void> {
    try {
      await this.answer(reply, signal);
    } catch {
      // The application is gone or takes nothing: the reply is not needed.
      return;
    }
    await this.hangUp(signal);
  }

  /** Lets the application read the last answer before the connection closes. */
  async hangUp(signal: AbortSignal): Promise<void> {
    using linger = new Deadline(this.#clock, {
      delayMs: REFUSAL_LINGER_MS,
      code: "ERR_NET_TIMEOUT",
      parent: signal,
    });
    try {
      await abortable(this.writer.close(), linger.signal);
    } catch {
      // The application is gone or takes nothing: the answer is not needed.
      return;
    }
    await drain(this.reader, linger.signal);
  }
}

function unlessEnd(chunk: Uint8Array | "end"): Uint8Array {
  return chunk === "end" ? NOTHING : chunk;
}
