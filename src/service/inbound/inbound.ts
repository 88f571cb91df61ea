/**
 * The interface between a local proxy and the protocols of applications.
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
 * The protocol for applications. `mixed` distinguishes SOCKS4, SOCKS5 and HTTP
 * by the first byte. A tunnel has one target and no handshake.
 */
export type InboundProtocol =
  | "mixed"
  | "socks"
  | "http"
  | { readonly tunnelTo: Address };

/** The request of an application, with answers in its protocol. */
export interface InboundRequest {
  /** A connection, or permission to send datagrams. */
  readonly kind: "connect" | "associate";
  /**
   * The target; for `associate`, the address that the application will send
   * from.
   */
  readonly address: Address;
  /**
   * Payload that came with the request; may be empty. The receiver replaces it
   * once it was passed on, since requests last as long as connections.
   */
  payload: Uint8Array;
  /** The channel, if it is already open; the receiver owns it. */
  readonly channel?: Channel;
  /**
   * If set, the server's first bytes are the answer. If the server ends the
   * stream without any, the application is refused with this code.
   */
  readonly unanswered?: ProtocolErrorCode;
  /**
   * Returns the answer to a request that succeeded; may be empty.
   *
   * @param end Our own address, which few protocols report.
   */
  accept(end: { readonly local: Endpoint }): Uint8Array;
  /** Returns the answer to a request that failed; may be empty. */
  refuse(code: ErrorCode): Uint8Array;
}

/**
 * Sends bytes to the application.
 *
 * @param signal Its abort ends the wait; the connection must then be closed.
 * Default: the handshake timeout applies.
 * @returns Settles when the system has taken the bytes; `undefined` if it
 * already has.
 */
export type Send = (
  bytes: Uint8Array,
  signal?: StopSignal,
) => Promise<void> | undefined;

/** What an inbound needs to serve an application's connection. */
export interface InboundClient {
  /** The channel that the application's bytes are read from. */
  readonly channel: Channel;
  /** Sends an answer. */
  readonly send: Send;
  /** Checks user name and password; not set if none are required. */
  readonly authenticate: Authenticate | undefined;
  /** Serves the PAC file of this port; not set if there is none. */
  readonly pac?: ServePac | undefined;
  /** True if BIND is passed to the server; otherwise it is refused. */
  readonly bind: boolean;
  /** The networks that are relayed. */
  readonly mode: Mode;
  /** Measures the waits. */
  readonly clock: Clock;
  /** Milliseconds for a handshake, for the rest of a head, or for an answer. */
  readonly handshakeTimeoutMs: number;
  /** Milliseconds without a byte after which a connection is closed. */
  readonly idleTimeoutMs: number;
  /** Aborted when the service stops waiting for the connection. */
  readonly signal: AbortSignal;
  /**
   * Opens a stream to a target, for an inbound that serves requests itself.
   *
   * @throws {UmbraError} If no server can be reached.
   */
  open(address: Address): Promise<Channel>;
  /** Reports a refused request on a connection that stays open. */
  refused(error: UmbraError): void;
  /**
   * Closes the connection in such a way that the client sees an incomplete
   * answer.
   */
  cut(): void;
}

/** Makes the deadline for a handshake. */
export function handshakeDeadline(
  { clock, handshakeTimeoutMs: delayMs, signal: parent }: InboundClient,
): Deadline {
  return new Deadline(clock, { delayMs, code: "ERR_NET_TIMEOUT", parent });
}

/**
 * Performs a handshake with an application until bytes must be relayed.
 *
 * @returns The request; `undefined` if nothing is left to do.
 * @throws {UmbraError} After the refusal was sent; the connection must then be
 * closed.
 */
export type Inbound = (
  client: InboundClient,
) => InboundRequest | Promise<InboundRequest | undefined>;
