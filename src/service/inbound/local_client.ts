/**
 * An application that is connected to `ss-local`: what it says first, and how
 * it hears a refusal before the connection closes.
 *
 * @module
 */
import { abortable, type Clock, Deadline } from "../../clock.ts";
import { FIRST_PAYLOAD_WAIT_MS, REFUSAL_LINGER_MS } from "../../limits.ts";
import { Channel } from "../../streams/channel.ts";
import { drain } from "../../streams/drain.ts";
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
   * @throws {TransportError} `ERR_NET_TIMEOUT` when it does not take them.
   */
  async answer(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const rest = bytes.length === 0 ? bytes : this.writer.writeNow(bytes);
    if (rest.length === 0) return;
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
  async firstPayload(signal: AbortSignal): Promise<Uint8Array> {
    using wait = new Deadline(this.#clock, {
      delayMs: FIRST_PAYLOAD_WAIT_MS,
      code: "ERR_NET_TIMEOUT",
      parent: signal,
    });
    try {
      return await this.reader.read(wait.signal) ?? NOTHING;
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
      // The application is gone or takes nothing: nobody waits for the reply.
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
      // The application is gone or takes nothing: nobody waits for the answer.
      return;
    }
    await drain(this.reader, linger.signal);
  }
}

const NOTHING = new Uint8Array(0);
