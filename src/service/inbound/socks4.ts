/**
 * SOCKS4 and SOCKS4a as applications speak them to `ss-local`.
 *
 * @module
 */
import { concat } from "../../bytes.ts";
import { Deadline } from "../../clock.ts";
import {
  decodeSocks4Request,
  encodeSocks4Reply,
  SOCKS4_COMMAND,
  type Socks4Request,
} from "../../codec/socks4.ts";
import { ProtocolError } from "../../errors.ts";
import type { InboundClient, InboundRequest } from "./inbound.ts";

/**
 * Reads the one message of the protocol.
 *
 * @returns The request; `undefined` when the application left before it.
 * @throws {ProtocolError} Any `ERR_SOCKS_…`, after the refusal has been sent.
 */
export async function acceptSocks4(
  client: InboundClient,
): Promise<InboundRequest | undefined> {
  try {
    const read = await readRequest(client);
    if (read === undefined) return undefined;
    checkRequest(read.request, client.authenticate !== undefined);
    return {
      kind: "connect",
      address: read.request.address,
      payload: read.rest,
      accept: () => encodeSocks4Reply(true),
      refuse: () => encodeSocks4Reply(false),
    };
  } catch (error) {
    // There is one code for all that can go wrong.
    if (error instanceof ProtocolError) {
      await client.send(encodeSocks4Reply(false));
    }
    throw error;
  }
}

async function readRequest(
  { source, clock, handshakeTimeoutMs, signal }: InboundClient,
): Promise<{ request: Socks4Request; rest: Uint8Array } | undefined> {
  using deadline = new Deadline(clock, {
    delayMs: handshakeTimeoutMs,
    code: "ERR_NET_TIMEOUT",
    parent: signal,
  });
  let received: Uint8Array = new Uint8Array(0);
  for (;;) {
    const bytes = await source.read(deadline.signal);
    if (bytes === undefined) {
      if (received.length === 0) return undefined;
      throw new ProtocolError(
        "ERR_SOCKS_TRUNCATED",
        "Application left in the middle of a SOCKS message",
      );
    }
    received = concat(received, bytes);
    const decoded = decodeSocks4Request(received);
    if (decoded !== undefined) {
      const rest = received.subarray(decoded.length);
      return { request: decoded.message, rest };
    }
  }
}

/** @param secured Whether users are configured. */
function checkRequest(
  { command, address }: Socks4Request,
  secured: boolean,
): void {
  if (secured) {
    throw new ProtocolError(
      "ERR_SOCKS_NO_METHOD",
      "Application speaks SOCKS4, which has no password: users are " +
        "configured, let it use SOCKS5 or HTTP",
    );
  }
  if (command !== SOCKS4_COMMAND.connect) {
    throw new ProtocolError(
      "ERR_SOCKS_COMMAND",
      `Application asked for SOCKS4 command ${command}, only CONNECT is served`,
    );
  }
  if (address.port === 0) {
    throw new ProtocolError(
      "ERR_SOCKS_MALFORMED",
      "Application asked for a connection to port 0",
    );
  }
}
