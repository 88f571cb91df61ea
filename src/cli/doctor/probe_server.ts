/**
 * Records how a Shadowsocks server reacts to a request and to random bytes. A
 * server never reports that a key is wrong; only the difference between its
 * reactions shows it.
 *
 * @module
 */
import type { StopSignal } from "../../on_abort.ts";
import { concat } from "../../bytes.ts";
import { type Clock, Deadline } from "../../clock.ts";
import type { Address } from "../../codec/address.ts";
import type { AeadProvider } from "../../crypto/aead.ts";
import type { KeyStreamProvider } from "../../crypto/key_stream.ts";
import {
  ProtocolError,
  type ProtocolErrorCode,
  TransportError,
} from "../../errors.ts";
import { MAX_DIAL_ADDRESSES } from "../../limits.ts";
import type { RandomBytes } from "../../random.ts";
import { anyTarget } from "../../security/target_policy.ts";
import { Direct } from "../../service/outbound/direct.ts";
import {
  Shadowsocks,
  type UpstreamServer,
} from "../../service/outbound/shadowsocks.ts";
import { type Dependencies, withDefaults } from "../../service/service.ts";
import { ByteReader } from "../../streams/byte_reader.ts";
import { ByteWriter } from "../../streams/byte_writer.ts";
import type { Channel } from "../../streams/channel.ts";
import type { Connection, Endpoint, Transport } from "../../transport.ts";

/** The dependencies of probes. */
export interface ProbeWorld {
  /** The network. */
  readonly transport: Transport;
  /** Provides time stamps and durations. */
  readonly clock: Clock;
  /** Provides salts and random bytes. */
  readonly randomBytes: RandomBytes;
  /** Provides AEAD ciphers. */
  readonly aeadProvider: AeadProvider;
  /** Provides stream ciphers. */
  readonly keyStreamProvider: KeyStreamProvider;
  /** Time limit of each step in milliseconds. */
  readonly waitMs: number;
}

/**
 * A target that no server reaches: an unused port of the server's own machine.
 */
export const NOWHERE: Address = { host: "127.0.0.1", port: 1 };

/** The reaction of a server. */
export type Reaction =
  /** The server sent payload that opens with the key. */
  | {
    readonly kind: "answer";
    /** The first payload, at least one byte. */
    readonly payload: Uint8Array;
    /** Milliseconds from the request to the answer. */
    readonly afterMs: number;
    /** The server's clock at the answer, if the protocol sends it. */
    readonly unixSeconds?: number | undefined;
  }
  /** The server ended the connection without sending a byte. */
  | { readonly kind: "closed"; readonly afterMs: number }
  /** The server sent nothing and kept the connection open. */
  | { readonly kind: "silent" }
  /** The server sent bytes that do not open with the key and method. */
  | {
    readonly kind: "foreign";
    /** The first bytes. */
    readonly bytes: Uint8Array;
    /** The error; not set for an answer to random bytes. */
    readonly code?: ProtocolErrorCode;
  };

/** A server that accepted a connection. */
export interface Reached {
  /** The IP address and port of the connection. */
  readonly endpoint: Endpoint;
  /** Milliseconds to connect, without the lookup of the name. */
  readonly connectMs: number;
}

/**
 * Connects and closes the connection.
 *
 * @param addresses IP addresses of the server, tried in turn.
 * @throws {TransportError} The error of the last attempt.
 */
export async function reach(
  addresses: readonly string[],
  port: number,
  world: Pick<ProbeWorld, "clock" | "transport" | "waitMs">,
): Promise<Reached> {
  const { clock, transport, waitMs } = world;
  let failure: unknown;
  for (const host of addresses.slice(0, MAX_DIAL_ADDRESSES)) {
    using deadline = new Deadline(clock, { delayMs: waitMs });
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
 * Requests a target and waits for its first bytes.
 *
 * @param payload The first bytes for the target.
 * @throws {TransportError} When the server cannot be reached.
 */
export async function requestTarget(
  server: UpstreamServer,
  target: Address,
  payload: Uint8Array,
  world: ProbeWorld,
): Promise<Reaction> {
  return await react(
    world,
    (overheard, signal) =>
      new Shadowsocks(server, world.waitMs, overheard)
        .open(target, payload, signal),
  );
}

/** Number of random bytes, about as many as a request has. */
const GARBAGE_LENGTH = 300;

/**
 * Sends random bytes, as a client that does not know the key would.
 *
 * @throws {TransportError} When the server cannot be reached.
 */
export async function sendGarbage(
  { endpoint }: UpstreamServer,
  world: ProbeWorld,
): Promise<Reaction> {
  const garbage = world.randomBytes(GARBAGE_LENGTH);
  const options = { policy: anyTarget, connectTimeoutMs: world.waitMs };
  const reaction = await react(
    world,
    (overheard, signal) =>
      new Direct(options, overheard).open(endpoint, garbage, signal),
  );
  return reaction.kind === "answer"
    ? { kind: "foreign", bytes: reaction.payload }
    : reaction;
}

/** Opens a channel, sends its first bytes, and waits for the first answer. */
async function react(
  world: ProbeWorld,
  open: (
    world: Required<Dependencies>,
    signal: StopSignal,
  ) => Promise<Channel>,
): Promise<Reaction> {
  const { transport, clock, waitMs } = world;
  let received: Uint8Array = new Uint8Array(0);
  const overheard = overhear(transport, (bytes) => {
    received = concat(received, bytes);
  });
  using deadline = new Deadline(clock, { delayMs: waitMs });
  const { signal } = deadline;
  const channel = await open(
    withDefaults({ ...world, transport: overheard }),
    signal,
  );
  const startMs = clock.monotonicMs();
  const afterMs = (): number => clock.monotonicMs() - startMs;
  try {
    await channel.write(new Uint8Array(0), signal);
    const payload = await channel.read(signal);
    return payload === undefined ? { kind: "closed", afterMs: afterMs() } : {
      ...{ kind: "answer", payload, afterMs: afterMs() },
      unixSeconds: channel.session.peerUnixSeconds,
    };
  } catch (error) {
    const code = error instanceof ProtocolError ||
        error instanceof TransportError
      ? error.code
      : undefined;
    if (code === "ERR_NET_RESET" || code === "ERR_SS_TRUNCATED") {
      return { kind: "closed", afterMs: afterMs() };
    }
    if (error instanceof ProtocolError) {
      return { kind: "foreign", bytes: received, code: error.code };
    }
    if (signal.aborted) return { kind: "silent" };
    throw error;
  } finally {
    channel.close();
  }
}

/** Returns a transport whose connections report the bytes that they read. */
function overhear(
  transport: Transport,
  hear: (bytes: Uint8Array) => void,
): Transport {
  const dial: Transport["dial"] = async (...args) =>
    overheard(await transport.dial(...args), hear);
  return new Proxy(transport, {
    get(target, key): unknown {
      if (key === "dial") return dial;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function overheard(
  connection: Connection,
  hear: (bytes: Uint8Array) => void,
): Connection {
  const { local, remote } = connection;
  const reader = new ByteReader(connection);
  const writer = new ByteWriter(connection);
  return {
    local,
    remote,
    get readable(): ReadableStream<Uint8Array> {
      return connection.readable;
    },
    get writable(): WritableStream<Uint8Array> {
      return connection.writable;
    },
    async read(): Promise<Uint8Array | undefined> {
      const bytes = await reader.read();
      if (bytes !== undefined) hear(bytes);
      return bytes;
    },
    write: (chunk) => writer.write(chunk),
    closeWrite: () => connection.closeWrite(),
    close: () => connection.close(),
  };
}
