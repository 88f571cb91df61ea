/**
 * Connects to a target: look-up, policy, and a race between addresses.
 *
 * Source: RFC 8305 (Happy Eyeballs) §4 for the order, §5 for the delay.
 *
 * @module
 */
import { onAbort, Stop, type StopSignal } from "../../on_abort.ts";
import { type Clock, Deadline, pause } from "../../clock.ts";
import type { Address } from "../../codec/address.ts";
import { parseIp } from "../../codec/ip_address.ts";
import { PolicyError, TransportError } from "../../errors.ts";
import { ATTEMPT_DELAY_MS, MAX_DIAL_ADDRESSES } from "../../limits.ts";
import type { LookupReason, Metrics } from "../../observe.ts";
import {
  explainRefusal,
  type TargetPolicy,
} from "../../security/target_policy.ts";
import type { Connection, TlsOptions, Transport } from "../../transport.ts";

/** The options of a dial. */
export interface DialOptions {
  /** The network that is used. */
  readonly transport: Transport;
  /** Measures the waits. */
  readonly clock: Clock;
  /** Checks the addresses of a name before they are dialled. */
  readonly policy: TargetPolicy;
  /** Milliseconds for look-up and connection together. */
  readonly timeoutMs: number;
  /** The signal; its abort cancels the dial. */
  readonly signal: StopSignal;
  /** The TLS options of the connection; default: no TLS. */
  readonly tls?: TlsOptions | undefined;
  /**
   * The reason that is reported if a name is looked up; default: not reported.
   */
  readonly why?: LookupReason;
  /** Receives the duration, unless the dial was cancelled. */
  readonly metrics?: Metrics;
}

/**
 * Connects to the first address of a name that answers.
 *
 * IPv6 and IPv4 addresses are tried alternately, each 250 ms after the previous
 * one, or as soon as that has failed.
 *
 * @returns A connection that the caller owns.
 * @throws {TransportError} The error of the last attempt, or of the look-up;
 * `ERR_NET_TIMEOUT`.
 * @throws {PolicyError} `ERR_POLICY_TARGET` if no address may be dialled.
 */
export async function dial(
  { host, port }: Address,
  options: DialOptions,
): Promise<Connection> {
  const { transport, clock, policy, metrics, signal: parent } = options;
  const startMs = clock.monotonicMs();
  let ips = parseIp(host) === undefined ? undefined : [host];
  using deadline = new Deadline(clock, {
    delayMs: options.timeoutMs,
    parent,
    what: () =>
      ips === undefined
        ? `Cannot resolve ${host}: no answer from the resolver`
        : `Cannot connect to ${host} port ${port}: no answer`,
  });
  const { signal } = deadline;
  try {
    if (ips === undefined) {
      if (options.why !== undefined) metrics?.lookedUp(options.why);
      ips = await transport.resolve(host, { signal });
    }
    // If the signal is already aborted, a new listener would not be called.
    signal.throwIfAborted();
    const connection = await connect(permitted(ips, host, policy), port, {
      ...options,
      signal,
    });
    metrics?.dialled(clock.monotonicMs() - startMs, true);
    return connection;
  } catch (error) {
    if (error instanceof TransportError && !parent.aborted) {
      metrics?.dialled(clock.monotonicMs() - startMs, false);
    }
    throw error;
  }
}

/** This is not an async function, which saves a step for every connection. */
function connect(
  ips: readonly string[],
  port: number,
  { transport, clock, tls, signal }: DialOptions,
): Promise<Connection> {
  const dialTo = (host: string, signal: StopSignal): Promise<Connection> =>
    transport.dial({ host, port }, { signal, tls });
  if (ips.length === 1) return dialTo(ips[0]!, signal);
  const attempts = interleave(ips)
    .slice(0, MAX_DIAL_ADDRESSES)
    .map((ip) => (signal: StopSignal) => dialTo(ip, signal));
  return race(attempts, clock, signal);
}

function permitted(
  ips: readonly string[],
  host: string,
  policy: TargetPolicy,
): string[] {
  const allowed = ips.filter((ip) => policy(ip) === undefined);
  if (allowed.length === 0) {
    throw new PolicyError(
      "ERR_POLICY_TARGET",
      `Cannot dial ${host}: ${explainRefusal(ips[0], policy)}`,
    );
  }
  return allowed;
}

/** Alternates between the families, starting with that of the first address. */
function interleave(ips: readonly string[]): readonly string[] {
  const isIpv6 = (ip: string): boolean => ip.includes(":");
  const startsIpv6 = isIpv6(ips[0]!);
  const first = ips.filter((ip) => isIpv6(ip) === startsIpv6);
  const second = ips.filter((ip) => isIpv6(ip) !== startsIpv6);
  const out: string[] = [];
  for (let i = 0; i < ips.length; i++) {
    out.push(...first.slice(i, i + 1), ...second.slice(i, i + 1));
  }
  return out;
}

type Attempt = (signal: StopSignal) => Promise<Connection>;

/** Starts the attempts one after the other; the first connection is used. */
async function race(
  attempts: readonly Attempt[],
  clock: Clock,
  signal: StopSignal,
): Promise<Connection> {
  const losers = new Stop();
  const leave = onAbort(signal, () => losers.abort(signal.reason));
  let turn: Promise<unknown> = Promise.resolve();
  const started = attempts.map((attempt) => {
    const connecting = turn.then(() => {
      losers.throwIfAborted();
      return attempt(losers);
    });
    turn = turn.then(() =>
      Promise.race([
        connecting.then(() => {}, () => {}),
        pause(clock, ATTEMPT_DELAY_MS, losers),
      ])
    );
    return connecting;
  });
  try {
    const winner = await Promise.any(started);
    for (const connecting of started) closeUnless(winner, connecting);
    return winner;
  } catch (error) {
    throw (error as AggregateError).errors.at(-1);
  } finally {
    leave();
    losers.abort(RACE_OVER);
  }
}

/**
 * A shared reason: aborting without one makes an error with a stack each time.
 */
const RACE_OVER = new TransportError(
  "ERR_NET_ABORTED",
  "Another address was connected first",
);

/** Closes a connection that was established after another one. */
function closeUnless(
  winner: Connection,
  connecting: Promise<Connection>,
): void {
  connecting.then((connection) => {
    if (connection !== winner) connection.close();
  }, () => {
    // A failed attempt has nothing to close.
  });
}
