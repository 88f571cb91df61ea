/**
 * The seam between a local proxy and the protocols that applications speak to
 * it.
 *
 * @module
 */
import type { StopSignal } from "../../on_abort.ts";
import type { Channel } from "../../streams/channel.ts";
import type { Address } from "../../codec/address.ts";
import { type Clock, Deadline } from "../../clock.ts";
import type { ErrorCode, ProtocolErrorCode, UmbraError } from "../../errors.ts";
import type { Authenticate } from "../../session/socks5/server_session.ts";
import type { Endpoint } from "../../transport.ts";
import type { Mode } from "../options.ts";
import type { ServePac } from "./proxy_pac.ts";

/**
 * What applications may speak: `mixed` tells SOCKS4, SOCKS5 and HTTP apart by
 * the first byte; a tunnel has one target and no handshake.
 */
export type InboundProtocol =
  | "mixed"
  | "socks"
  | "http"
  | { readonly tunnelTo: Address };

/** The request of an application, and the answers in its protocol. */
export interface InboundRequest {
  /** A connection, or leave to send datagrams. */
  readonly kind: "connect" | "associate";
  /**
   * The target; for `associate`, the address from which the application will
   * send.
   */
  readonly address: Address;
  /** Payload that came with the request; may be empty. */
  readonly payload: Uint8Array;
  /**
   * Set: the channel is there already, and this goes on; the receiver owns it.
   */
  readonly channel?: Channel;
  /**
   * Set: the server's first bytes are the answer, and when it ends the stream
   * without any, the application is refused with this code.
   */
  readonly unanswered?: ProtocolErrorCode;
  /**
   * The answer that lets the application go ahead; may be empty.
   *
   * @param end Our own address, which few protocols have room for.
   */
  accept(end: { readonly local: Endpoint }): Uint8Array;
  /** The answer for a request that failed; may be empty. */
  refuse(code: ErrorCode): Uint8Array;
}

/**
 * Sends bytes to the application.
 *
 * @param signal Its abort gives the wait up; the connection is then to be
 * closed. Default: the time of a handshake.
 * @returns Settles when the system has taken them; `undefined`: it has already.
 */
export type Send = (
  bytes: Uint8Array,
  signal?: StopSignal,
) => Promise<void> | undefined;

/** An application's connection, and what an inbound can do for it. */
export interface InboundClient {
  /** To hear it by. */
  readonly channel: Channel;
  /** Answers it. */
  readonly send: Send;
  /** Set: the client must give user name and password. */
  readonly authenticate: Authenticate | undefined;
  /** Serves the PAC file of this port; not set: there is none. */
  readonly pac?: ServePac | undefined;
  /** True if BIND is asked of the server; else it is refused. */
  readonly bind: boolean;
  /** True if TCP, UDP or both are relayed. */
  readonly mode: Mode;
  /** Measures waits. */
  readonly clock: Clock;
  /** Milliseconds for a handshake, a head that has begun, or an answer. */
  readonly handshakeTimeoutMs: number;
  /** Milliseconds without a byte. */
  readonly idleTimeoutMs: number;
  /** Aborted when the service gives up waiting. */
  readonly signal: AbortSignal;
  /**
   * Opens a stream to a target, for an inbound that serves requests itself.
   *
   * @throws {UmbraError} When no server can be reached.
   */
  open(address: Address): Promise<Channel>;
  /** Tells the operator of a request that was refused while we go on. */
  refused(error: UmbraError): void;
  /** Closes the connection so that an answer that was begun is not whole. */
  cut(): void;
}

/** How long an application may take to say what it wants. */
export function handshakeDeadline(
  { clock, handshakeTimeoutMs: delayMs, signal: parent }: InboundClient,
): Deadline {
  return new Deadline(clock, { delayMs, code: "ERR_NET_TIMEOUT", parent });
}

/**
 * Speaks with an application until it wants bytes relayed.
 *
 * @returns Its request; `undefined` when there is nothing (more) to do.
 * @throws {UmbraError} After the refusal has been sent; the connection is then
 * to be closed.
 */
export type Inbound = (
  client: InboundClient,
) => InboundRequest | Promise<InboundRequest | undefined>;
