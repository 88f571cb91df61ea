/**
 * Which inbound serves a connection: the configured one, or the one the first
 * byte calls for.
 *
 * @module
 */
import { Deadline } from "../../clock.ts";
import { type Address, formatAddress } from "../../codec/address.ts";
import { ProtocolError } from "../../errors.ts";
import { acceptHttp } from "./http.ts";
import type {
  ByteSource,
  Inbound,
  InboundClient,
  InboundProtocol,
  InboundRequest,
} from "./inbound.ts";
import { acceptSocks4 } from "./socks4.ts";
import { acceptSocks5 } from "./socks5.ts";

/** The inbound of a protocol. */
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

/** The inbound of a target that is known, without a handshake. */
export function tunnelInbound(target: Address): Inbound {
  return () => Promise.resolve(tunnelRequest(target));
}

/**
 * What applications may speak, for people.
 *
 * @param secured Whether users are configured.
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

function socksFor(byte: number): Inbound | undefined {
  return byte === 0x05
    ? acceptSocks5
    : byte === 0x04
    ? acceptSocks4
    : undefined;
}

/** The methods that exist start with a capital. */
function httpFor(byte: number): Inbound | undefined {
  return byte >= 0x41 && byte <= 0x5a ? acceptHttp : undefined;
}

async function acceptByFirstByte(
  client: InboundClient,
  choose: (byte: number) => Inbound | undefined,
): Promise<InboundRequest | undefined> {
  const first = await firstBytes(client);
  if (first === undefined) return undefined;
  const inbound = choose(first[0]!);
  if (inbound === undefined) {
    throw new ProtocolError(
      "ERR_INBOUND_PROTOCOL",
      `Application speaks no protocol served here: its first byte is 0x${
        first[0]!.toString(16).padStart(2, "0")
      }`,
    );
  }
  return await inbound({ ...client, source: withFirst(first, client.source) });
}

async function firstBytes(
  { source, clock, handshakeTimeoutMs, signal }: InboundClient,
): Promise<Uint8Array | undefined> {
  using deadline = new Deadline(clock, {
    delayMs: handshakeTimeoutMs,
    code: "ERR_NET_TIMEOUT",
    parent: signal,
  });
  return await source.read(deadline.signal);
}

/** A source that gives bytes again which were read from it. */
function withFirst(first: Uint8Array, source: ByteSource): ByteSource {
  let unread: Uint8Array | undefined = first;
  return {
    read(signal): Promise<Uint8Array | undefined> {
      const bytes = unread;
      unread = undefined;
      return bytes === undefined ? source.read(signal) : Promise.resolve(bytes);
    },
  };
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

const NOTHING = new Uint8Array(0);
