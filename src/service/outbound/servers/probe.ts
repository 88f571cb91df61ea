/**
 * Probes a server through the tunnel. By default it requests a name that cannot
 * exist (RFC 6761 §6.4): a working server closes the connection, and no third
 * party is contacted.
 *
 * @module
 */
import { NOTHING } from "../../../bytes.ts";
import type { StopSignal } from "../../../on_abort.ts";
import { type Clock, Deadline } from "../../../clock.ts";
import { formatAddress } from "../../../codec/address.ts";
import { type ErrorCode, ProtocolError, UmbraError } from "../../../errors.ts";
import type { Channel } from "../../../streams/channel.ts";
import type { Outbound } from "../outbound.ts";
import type { ProbeTarget } from "./options.ts";

/** The options of a probe. */
export interface ProbeOptions {
  /** See `GroupOptions`. */
  readonly target: ProbeTarget | "none";
  /** Milliseconds for the whole probe. */
  readonly timeoutMs: number;
  /** Measures the time. */
  readonly clock: Clock;
  /** The signal; its abort cancels the probe. */
  readonly signal: AbortSignal;
}

/**
 * Probes once.
 *
 * @returns Milliseconds until the answer.
 * @throws {UmbraError} If there is no answer, or a wrong one.
 */
export async function probe(
  outbound: Outbound,
  { target, timeoutMs, clock, signal }: ProbeOptions,
): Promise<number> {
  const startMs = clock.monotonicMs();
  using deadline = new Deadline(clock, {
    delayMs: timeoutMs,
    parent: signal,
    what: () => "No answer from the server",
  });
  const channel = target === "none"
    ? await outbound.open(NOWHERE, NOTHING, deadline.signal)
    : await outbound.open(target, headRequest(target), deadline.signal);
  try {
    await channel.write(NOTHING, deadline.signal);
    await (target === "none"
      ? awaitSign(channel, deadline.signal)
      : awaitStatus(channel, deadline.signal));
    return clock.monotonicMs() - startMs;
  } finally {
    channel.close();
  }
}

/**
 * Waits until the server closes the stream, or sends bytes that the key opens.
 */
async function awaitSign(channel: Channel, signal: StopSignal): Promise<void> {
  try {
    await channel.read(signal);
  } catch (error) {
    if (!(error instanceof UmbraError) || !CLOSES.has(error.code)) throw error;
  }
}

const CLOSES: ReadonlySet<ErrorCode> = new Set(
  ["ERR_NET_RESET", "ERR_NET_CLOSED", "ERR_SS_TRUNCATED"] as const,
);

/** Waits for a status below 500. */
async function awaitStatus(
  channel: Channel,
  signal: StopSignal,
): Promise<void> {
  let received = "";
  while (received.length < STATUS_LENGTH) {
    const payload = await channel.read(signal);
    if (payload === undefined) break;
    received += new TextDecoder("latin1").decode(payload);
  }
  if (/^HTTP\/1\.[01] [1-4]/.test(received)) return;
  throw new ProtocolError(
    "ERR_HTTP_MALFORMED",
    "The target of probes sent no successful HTTP response",
  );
}

/** The length of `HTTP/1.1 2`. */
const STATUS_LENGTH = 10;

function headRequest(target: ProbeTarget): Uint8Array {
  const { path } = target;
  const authority = formatAddress(target).replace(/:80$/, "");
  return new TextEncoder().encode(
    `HEAD ${path} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`,
  );
}

const NOWHERE = { host: "probe.invalid", port: 1 };
