/**
 * Chooses the inbound of a connection: by the configuration, or by the first
 * byte.
 *
 * @module
 */
import { NOTHING } from "../../bytes.ts";
import { type Address, formatAddress } from "../../codec/address.ts";
import { ProtocolError } from "../../errors.ts";
import { acceptHttp } from "./http.ts";
import { hearOut } from "../../streams/hear_out.ts";
import {
  handshakeDeadline,
  type Inbound,
  type InboundClient,
  type InboundProtocol,
  type InboundRequest,
} from "./inbound.ts";
import { acceptSocks4 } from "./socks4.ts";
import { acceptSocks5 } from "./socks5.ts";

/** Returns the inbound of a protocol. */
export function inboundFor(protocol: InboundProtocol): Inbound {
  switch (protocol) {
    case "http":
      return acceptHttp;
    case "socks":
      return (client) => acceptByFirstByte(client, socksFor);
    case "mixed":
      return (client) =>
        acceptByFirstByte(client, (byte) => socksFor(byte) ?? httpFor(byte));
    default:
      return tunnelInbound(protocol.tunnelTo);
  }
}

/** Returns an inbound for a known target, without a handshake. */
export function tunnelInbound(target: Address): Inbound {
  const request = tunnelRequest(target);
  return () => request;
}

/**
 * Describes the protocol for people.
 *
 * @param secured True if users are configured.
 */
export function describeProtocol(
  protocol: InboundProtocol,
  secured: boolean,
): string {
  if (typeof protocol === "object") {
    return `to ${formatAddress(protocol.tunnelTo)}`;
  }
  const socks = secured ? "SOCKS5" : "SOCKS4/5";
  const spoken = { mixed: `${socks} and HTTP`, socks, http: "HTTP" }[protocol];
  return spoken + (secured ? " with password" : "");
}

/**
 * An inbound that was chosen by the first byte.
 *
 * @param first At least one byte.
 */
type Chosen = (
  client: InboundClient,
  first: Uint8Array,
) => ReturnType<Inbound>;

function socksFor(byte: number): Chosen | undefined {
  return byte === 0x05
    ? acceptSocks5
    : byte === 0x04
    ? acceptSocks4
    : undefined;
}

/** All HTTP methods start with a capital letter. */
function httpFor(byte: number): Chosen | undefined {
  return byte >= 0x41 && byte <= 0x5a ? acceptHttp : undefined;
}

async function acceptByFirstByte(
  client: InboundClient,
  choose: (byte: number) => Chosen | undefined,
): Promise<InboundRequest | undefined> {
  const first = await firstBytes(client);
  if (first === "end") return undefined;
  const inbound = choose(first[0]!);
  if (inbound === undefined) {
    throw new ProtocolError(
      "ERR_INBOUND_PROTOCOL",
      `Application uses no protocol served here: its first byte is 0x${
        first[0]!.toString(16).padStart(2, "0")
      }`,
    );
  }
  return await inbound(client, first);
}

async function firstBytes(client: InboundClient): Promise<Uint8Array | "end"> {
  using deadline = handshakeDeadline(client);
  return await hearOut(client.channel, (bytes) => bytes, deadline.signal);
}

function tunnelRequest(address: Address): InboundRequest {
  return {
    kind: "connect",
    address,
    payload: NOTHING,
    accept: () => NOTHING,
    refuse: () => NOTHING,
  };
}
