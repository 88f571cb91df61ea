/**
 * SOCKS4 and SOCKS4a as applications speak them to `ss-local`.
 *
 * @module
 */
import { concat } from "../../bytes.ts";
import {
  decodeSocks4Request,
  encodeSocks4Reply,
  SOCKS4_COMMAND,
  type Socks4Request,
} from "../../codec/socks4.ts";
import { ProtocolError } from "../../errors.ts";
import { hearOut } from "../../streams/hear_out.ts";
import {
  handshakeDeadline,
  type InboundClient,
  type InboundRequest,
} from "./inbound.ts";
import { truncated } from "./socks5.ts";

/**
 * Reads the one message of the protocol.
 *
 * @param first Its first bytes.
 * @throws {ProtocolError} Any `ERR_SOCKS_…`, after the refusal has been sent.
 */
export async function acceptSocks4(
  client: InboundClient,
  first: Uint8Array,
): Promise<InboundRequest> {
  try {
    const read = await readRequest(client, first);
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
  client: InboundClient,
  first: Uint8Array,
): Promise<{ request: Socks4Request; rest: Uint8Array }> {
  using deadline = handshakeDeadline(client);
  let received = first;
  const { message, length } = decodeSocks4Request(received) ??
    await hearOut(client.channel, (bytes) => {
      if (bytes === "end") throw truncated();
      received = concat(received, bytes);
      return decodeSocks4Request(received);
    }, deadline.signal);
  return { request: message, rest: received.subarray(length) };
}

/** @param secured True if users are configured. */
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
      `Application requested SOCKS4 command ${command}, only CONNECT is served`,
    );
  }
  if (address.port === 0) {
    throw new ProtocolError(
      "ERR_SOCKS_MALFORMED",
      "Application requested a connection to port 0",
    );
  }
}
