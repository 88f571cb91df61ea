/**
 * DNS over TCP: messages with a 2-byte length before each, and single queries
 * through a Shadowsocks server.
 *
 * Source: RFC 1035 §4.2.2.
 *
 * @module
 */
import { concat, NOTHING, readU16, writeU16 } from "../../bytes.ts";
import { type Clock, Deadline } from "../../clock.ts";
import { ProtocolError } from "../../errors.ts";
import { DNS_TCP_TIMEOUT_MS, MAX_DNS_MESSAGE_LENGTH } from "../../limits.ts";
import type { StopSignal } from "../../on_abort.ts";
import type { Endpoint } from "../../transport.ts";
import type { Outbound } from "../outbound/outbound.ts";

/**
 * Puts the length before a message.
 *
 * @throws {RangeError} If the length does not fit into 2 bytes.
 */
export function frameMessage(message: Uint8Array): Uint8Array {
  if (message.length > MAX_DNS_MESSAGE_LENGTH) {
    throw new RangeError(
      `Cannot frame DNS message: got ${message.length} bytes, ` +
        `${MAX_DNS_MESSAGE_LENGTH} at most`,
    );
  }
  const out = new Uint8Array(2 + message.length);
  writeU16(out, 0, message.length);
  out.set(message, 2);
  return out;
}

/** Splits a stream into messages. */
export class MessageReader {
  readonly #read: () => Promise<Uint8Array | undefined>;
  readonly #maxLength: number;
  /** Bytes received: at most one incomplete message and one read. */
  #received: Uint8Array = new Uint8Array(0);

  /**
   * @param read Returns the next bytes; `undefined` at the end.
   * @param maxLength Bytes of the longest message that is accepted.
   */
  constructor(
    read: () => Promise<Uint8Array | undefined>,
    maxLength: number,
  ) {
    this.#read = read;
    this.#maxLength = maxLength;
  }

  /**
   * Returns the next message; `undefined` at the end of the stream.
   *
   * @throws {ProtocolError} `ERR_DNS_MESSAGE` if a message is too long or
   * truncated.
   */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#received.length >= 2) {
        const end = 2 + readU16(this.#received, 0);
        if (end - 2 > this.#maxLength) throw malformed("it is too long");
        if (this.#received.length >= end) {
          const message = this.#received.slice(2, end);
          this.#received = this.#received.slice(end);
          return message;
        }
      }
      const bytes = await this.#read();
      if (bytes !== undefined) this.#received = concat(this.#received, bytes);
      else if (this.#received.length === 0) return undefined;
      else throw malformed("it is truncated");
    }
  }
}

/**
 * Sends one query and returns the answer.
 *
 * @param resolver The resolver that is asked.
 * @param outbound The way to the resolver.
 * @throws {UmbraError} If there is no answer.
 */
export async function askOverTcp(
  query: Uint8Array,
  resolver: Endpoint,
  outbound: Outbound,
  clock: Clock,
  parent: StopSignal,
): Promise<Uint8Array> {
  using deadline = new Deadline(clock, {
    delayMs: DNS_TCP_TIMEOUT_MS,
    parent,
  });
  const { signal } = deadline;
  const channel = await outbound.open(resolver, frameMessage(query), signal);
  try {
    await channel.write(NOTHING, signal);
    const messages = new MessageReader(
      () => channel.read(signal),
      MAX_DNS_MESSAGE_LENGTH,
    );
    const answer = await messages.next();
    if (answer === undefined) {
      throw malformed("the resolver closed the connection");
    }
    return answer;
  } finally {
    channel.close();
  }
}

function malformed(reason: string): ProtocolError {
  return new ProtocolError(
    "ERR_DNS_MESSAGE",
    `Cannot read DNS message: ${reason}`,
  );
}
