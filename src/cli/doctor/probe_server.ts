/**
 * How a Shadowsocks server reacts: to a request, and to bytes that mean
 * nothing. A server tells nobody that a key is wrong; only the difference
 * between reactions does.
 *
 * @module
 */
import { abortable, type Clock, Deadline } from "../../clock.ts";
import { concat } from "../../bytes.ts";
import type { Address } from "../../codec/address.ts";
import {
  decodeResponseHeader,
  RESPONSE_HEADER_LENGTH,
} from "../../codec/stream_header_2022.ts";
import type { AeadProvider } from "../../crypto/aead.ts";
import { NonceCounter } from "../../crypto/nonce_counter.ts";
import { Psk } from "../../crypto/psk.ts";
import {
  ProtocolError,
  type ProtocolErrorCode,
  TransportError,
} from "../../errors.ts";
import { MAX_DIAL_ADDRESSES, TAG_LENGTH } from "../../limits.ts";
import type { RandomBytes } from "../../random.ts";
import { dial } from "../../service/outbound/dial.ts";
import type { UpstreamServer } from "../../service/outbound/upstream.ts";
import { clientProtocol } from "../../session/edition.ts";
import { openHeader } from "../../session/shadowsocks2022/open_header.ts";
import { ByteReader } from "../../streams/byte_reader.ts";
import { ByteWriter } from "../../streams/byte_writer.ts";
import type { Endpoint, Transport } from "../../transport.ts";

/** What probes are made with. */
export interface ProbeWorld {
  /** The network. */
  readonly transport: Transport;
  /** Makes time stamps and measures. */
  readonly clock: Clock;
  /** Makes salts, and bytes that mean nothing. */
  readonly randomBytes: RandomBytes;
  /** Computes the ciphers. */
  readonly aeadProvider: AeadProvider;
  /** Milliseconds for each step. */
  readonly waitMs: number;
}

/** What a server did. */
export type Reaction =
  /** It sent payload that opens with our key. */
  | {
    readonly kind: "answer";
    /** First payload, at least one byte. */
    readonly payload: Uint8Array;
    /** Milliseconds from the request to it. */
    readonly afterMs: number;
    /** Its clock when it answered, where the edition tells. */
    readonly unixSeconds?: number | undefined;
  }
  /** It ended the connection without a byte. */
  | { readonly kind: "closed"; readonly afterMs: number }
  /** It said nothing and kept the connection. */
  | { readonly kind: "silent" }
  /** It sent bytes that do not open with our key and method. */
  | {
    readonly kind: "foreign";
    /** The first of them. */
    readonly bytes: Uint8Array;
    /** Why not; not set for what answers garbage. */
    readonly code?: ProtocolErrorCode;
  };

/** A server that could be connected to. */
export interface Reached {
  /** Where the connection led: an IP address. */
  readonly endpoint: Endpoint;
  /** Milliseconds to connect, without the look-up of the name. */
  readonly connectMs: number;
}

/**
 * Connects, and hangs up.
 *
 * @param addresses IP addresses of the server, tried in turn.
 * @throws {TransportError} The error of the last attempt.
 */
export async function reach(
  addresses: readonly string[],
  port: number,
  world: ProbeWorld,
): Promise<Reached> {
  const { clock, transport, waitMs } = world;
  let failure: unknown;
  for (const host of addresses.slice(0, MAX_DIAL_ADDRESSES)) {
    using deadline = new Deadline(clock, waitMs, "ERR_NET_TIMEOUT");
    const startMs = clock.monotonicMs();
    try {
      const endpoint = { host, port };
      const connection = await transport.dial(endpoint, deadline);
      connection.close();
      return { endpoint, connectMs: clock.monotonicMs() - startMs };
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/**
 * Asks for a target, and waits for its first bytes.
 *
 * @param payload What the target is to hear.
 * @throws {TransportError} When the server cannot be reached.
 */
export async function requestTarget(
  server: UpstreamServer,
  target: Address,
  payload: Uint8Array,
  world: ProbeWorld,
): Promise<Reaction> {
  const session = clientProtocol(server, world).client();
  try {
    const first = session.request(target, payload);
    const open = (bytes: Uint8Array): Uint8Array => session.open(bytes);
    const { reaction, received } = await react(server, first, open, world);
    return reaction.kind === "answer"
      ? { ...reaction, unixSeconds: serverClock(server, received, world) }
      : reaction;
  } finally {
    session.free();
  }
}

/** Bytes that mean nothing: about as many as a request has. */
const GARBAGE_LENGTH = 300;

/**
 * Sends bytes that mean nothing, as who does not know the key would.
 *
 * @throws {TransportError} When the server cannot be reached.
 */
export async function sendGarbage(
  server: UpstreamServer,
  world: ProbeWorld,
): Promise<Reaction> {
  const garbage = world.randomBytes(GARBAGE_LENGTH);
  const { reaction } = await react(server, garbage, undefined, world);
  return reaction;
}

/**
 * @param open Bytes → payload so far; not set: no byte can be right.
 */
async function react(
  { endpoint }: UpstreamServer,
  first: Uint8Array,
  open: ((bytes: Uint8Array) => Uint8Array) | undefined,
  { transport, clock, waitMs }: ProbeWorld,
): Promise<{ reaction: Reaction; received: Uint8Array }> {
  using deadline = new Deadline(clock, waitMs, "ERR_NET_TIMEOUT");
  const { signal } = deadline;
  const connection = await dial(endpoint, {
    ...{ transport, clock, signal, timeoutMs: waitMs },
    policy: () => undefined,
  });
  const startMs = clock.monotonicMs();
  let received: Uint8Array = new Uint8Array(0);
  const reacted = (reaction: Reaction): ReturnType<typeof react> =>
    Promise.resolve({ reaction, received });
  try {
    const reader = new ByteReader(connection);
    await abortable(new ByteWriter(connection).write(first), signal);
    for (;;) {
      const bytes = await reader.read(signal);
      const afterMs = clock.monotonicMs() - startMs;
      if (bytes === undefined) return reacted({ kind: "closed", afterMs });
      received = concat(received, bytes);
      if (open === undefined) {
        return reacted({ kind: "foreign", bytes: received });
      }
      const payload = open(bytes);
      if (payload.length > 0) {
        return reacted({ kind: "answer", payload, afterMs });
      }
    }
  } catch (error) {
    if (error instanceof ProtocolError) {
      return reacted({ kind: "foreign", bytes: received, code: error.code });
    }
    if (signal.aborted) return reacted({ kind: "silent" });
    if (error instanceof TransportError && error.code === "ERR_NET_RESET") {
      const afterMs = clock.monotonicMs() - startMs;
      return reacted({ kind: "closed", afterMs });
    }
    throw error;
  } finally {
    connection.close();
  }
}

/** The time stamp of a response that has been opened already. */
function serverClock(
  { method, masterKey }: UpstreamServer,
  received: Uint8Array,
  { aeadProvider }: ProbeWorld,
): number | undefined {
  if (method.edition !== 2022) return undefined;
  const { saltLength, nonceLength } = method;
  const aead = new Psk(method, masterKey, aeadProvider)
    .sessionAead(received.subarray(0, saltLength));
  try {
    const sealed = received.subarray(
      saltLength,
      saltLength + RESPONSE_HEADER_LENGTH + saltLength + TAG_LENGTH,
    );
    const nonce = new NonceCounter(nonceLength);
    return decodeResponseHeader(
      openHeader(aead, nonce, sealed, "fixed header"),
    ).unixSeconds;
  } finally {
    aead.free();
  }
}
