/**
 * From a name to a connection: look-up, policy, and a race of addresses.
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
import type { Metrics } from "../../observe.ts";
import {
  explainRefusal,
  type TargetPolicy,
} from "../../security/target_policy.ts";
import type { Connection, TlsOptions, Transport } from "../../transport.ts";

/** How to reach an address. */
export interface DialOptions {
  /** The network. */
  readonly transport: Transport;
  /** Measures the waits. */
  readonly clock: Clock;
  /** Judges the addresses a name resolved to, before they are dialled. */
  readonly policy: TargetPolicy;
  /** Milliseconds for look-up and connection together. */
  readonly timeoutMs: number;
  /** Its abort gives the dial up. */
  readonly signal: StopSignal;
  /** Secures the connection; default: nothing does. */
  readonly tls?: TlsOptions | undefined;
  /** Hears how long it took, unless it was given up; default: nobody does. */
  readonly metrics?: Metrics;
}

/**
 * Connects to the first address of a name that answers.
 *
 * Addresses are tried in turns of IPv6 and IPv4, each 250 ms after the one
 * before or as soon as that has failed.
 *
 * @returns A connection that the caller owns.
 * @throws {TransportError} The error of the last attempt, or of the look-up;
 * `ERR_NET_TIMEOUT`.
 * @throws {PolicyError} `ERR_POLICY_TARGET` when no address may be dialled.
 */
export async function dial(
  address: Address,
  options: DialOptions,
): Promise<Connection> {
  const { clock, metrics, signal } = options;
  const startMs = clock.monotonicMs();
  try {
    const connection = await connect(address, options);
    metrics?.dialled(clock.monotonicMs() - startMs, true);
    return connection;
  } catch (error) {
    if (error instanceof TransportError && !signal.aborted) {
      metrics?.dialled(clock.monotonicMs() - startMs, false);
    }
    throw error;
  }
}

async function connect(
  { host, port }: Address,
  options: DialOptions,
): Promise<Connection> {
  const { transport, clock, timeoutMs, tls } = options;
  let resolved = parseIp(host) !== undefined;
  using deadline = new Deadline(clock, {
    delayMs: timeoutMs,
    code: "ERR_NET_TIMEOUT",
    parent: options.signal,
    what: () =>
      resolved
        ? `Cannot connect to ${host} port ${port}: no answer`
        : `Cannot resolve ${host}: no answer of the resolver`,
  });
  const { signal } = deadline;
  const ips = resolved ? [host] : await transport.resolve(host, { signal });
  resolved = true;
  // What is aborted already tells nobody who begins to listen now.
  signal.throwIfAborted();
  const allowed = interleave(permitted(ips, host, options.policy))
    .slice(0, MAX_DIAL_ADDRESSES);
  if (allowed.length === 1) {
    return await transport.dial({ host: allowed[0]!, port }, { signal, tls });
  }
  return await race(
    allowed.map((ip) => (signal) =>
      transport.dial({ host: ip, port }, { signal, tls })
    ),
    clock,
    deadline,
  );
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

/** Takes turns between the families, starting with the first one given. */
function interleave(ips: readonly string[]): readonly string[] {
  if (ips.length === 1) return ips;
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

/** Starts the attempts one after the other; the first connection wins. */
async function race(
  attempts: readonly Attempt[],
  clock: Clock,
  deadline: Deadline,
): Promise<Connection> {
  const losers = new Stop();
  const leave = onAbort(
    deadline.signal,
    () => losers.abort(deadline.signal.reason),
  );
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

/** One for all: an abort without a reason makes one, with a trace, each time. */
const RACE_OVER = new TransportError(
  "ERR_NET_ABORTED",
  "Another address was connected first",
);

/** Closes a connection that came too late. */
function closeUnless(
  winner: Connection,
  connecting: Promise<Connection>,
): void {
  connecting.then((connection) => {
    if (connection !== winner) connection.close();
  }, () => {
    // A failed attempt has nothing to close, and the race is over.
  });
}
