/**
 * The server's half of SOCKS5 BIND: it accepts exactly one connection for a
 * client.
 *
 * @module
 */
import { abortable, type Clock, Deadline } from "../../clock.ts";
import { type Address, decodeAddress } from "../../codec/address.ts";
import { formatIp, parseIp, unmapIpv4 } from "../../codec/ip_address.ts";
import { encodeReply, REP } from "../../codec/socks5.ts";
import { ProtocolError, TransportError } from "../../errors.ts";
import { BIND_ACCEPT_TIMEOUT_MS } from "../../limits.ts";
import type { TargetPolicy } from "../../security/target_policy.ts";
import type { Connection, Listener, Transport } from "../../transport.ts";

/** What an accept needs. */
export interface BindOptions {
  /** The network that is used. */
  readonly transport: Transport;
  /** Measures the wait. */
  readonly clock: Clock;
  /** Checks the address of a peer. */
  readonly policy: TargetPolicy;
  /** IP address to listen on: the one that the client connected to. */
  readonly host: string;
  /** The signal; its abort ends the wait. */
  readonly signal: AbortSignal;
  /** Sends a reply to the client. */
  send(reply: Uint8Array): Promise<void>;
}

/** A peer that has connected. */
export interface AcceptedPeer {
  /** The connection of the peer; the caller owns it. */
  readonly target: Connection;
  /** Bytes of the client after its request. */
  readonly payload: Uint8Array;
  /** The second reply, which must be sent before bytes of the peer. */
  readonly reply: Uint8Array;
}

/**
 * Listens, reports the address, and waits for the expected peer. Connections of
 * other hosts are closed and ignored.
 *
 * @param request The bytes after the target, in the same chunk.
 * @throws {ProtocolError} `ERR_SS_ADDRESS_INVALID` if they are not an address.
 * @throws {TransportError} After the client was answered: `ERR_NET_TIMEOUT` if
 * no peer connected, or the reason why listening failed.
 */
export async function acceptPeer(
  request: Uint8Array,
  options: BindOptions,
): Promise<AcceptedPeer> {
  const decoded = decodeAddress(request);
  if (decoded === undefined) {
    throw new ProtocolError(
      "ERR_SS_ADDRESS_INVALID",
      "Cannot accept BIND: the expected peer is missing",
    );
  }
  try {
    const allows = await peerCheck(decoded.address, options);
    const listener = await options.transport.listen({
      host: plainIp(options.host),
      port: 0,
    });
    try {
      await options.send(encodeReply(REP.succeeded, listener.address));
      const target = await nextPeer(listener, allows, options);
      const { host, port } = target.remote;
      const remote = { host: plainIp(host), port };
      return {
        target,
        payload: request.subarray(decoded.length),
        reply: encodeReply(REP.succeeded, remote),
      };
    } finally {
      listener.close();
    }
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const timedOut = error.code === "ERR_NET_TIMEOUT";
    const rep = timedOut ? REP.ttlExpired : REP.generalFailure;
    await options.send(encodeReply(rep));
    throw error;
  }
}

async function nextPeer(
  listener: Listener,
  allows: (ip: string) => boolean,
  { clock, signal }: BindOptions,
): Promise<Connection> {
  using deadline = new Deadline(clock, {
    delayMs: BIND_ACCEPT_TIMEOUT_MS,
    parent: signal,
  });
  for (;;) {
    const accepted = await abortable(
      listener.accept(),
      deadline.signal,
      (late) => late?.connection.close(),
    );
    if (accepted === undefined) {
      throw new TransportError("ERR_NET_CLOSED", "Listener is closed");
    }
    const peer = accepted.connection;
    if (allows(plainIp(peer.remote.host))) return peer;
    peer.close();
  }
}

/**
 * Returns a check that a peer is the expected one, and that the policy allows
 * it.
 */
async function peerCheck(
  { host }: Address,
  { transport, policy, signal }: BindOptions,
): Promise<(ip: string) => boolean> {
  const isAllowed = (ip: string): boolean => policy(ip) === undefined;
  if (host === "0.0.0.0" || host === "::") return isAllowed;
  const ips = parseIp(host) === undefined
    ? await transport.resolve(host, { signal })
    : [host];
  const expected = new Set(ips.map(plainIp));
  return (ip) => expected.has(ip) && isAllowed(ip);
}

/** Formats an address in one way; an IPv4-mapped address becomes IPv4. */
function plainIp(ip: string): string {
  const bytes = parseIp(ip);
  return bytes === undefined ? ip : formatIp(unmapIpv4(bytes));
}
