/**
 * Ways to reach targets, and the router that chooses among them.
 *
 * @module
 */
import type { StopSignal } from "../../on_abort.ts";
import type { Address } from "../../codec/address.ts";
import type { Packet } from "../../codec/packet.ts";
import type { RouteDecision } from "../../routes/route_table.ts";
import type { TargetPolicy } from "../../security/target_policy.ts";
import type { Channel } from "../../streams/channel.ts";
import type { Datagram, DatagramSocket } from "../../transport.ts";

/** A way to reach targets. */
export interface Outbound {
  /** Name for the log; unique within a router. */
  readonly name: string;
  /**
   * Opens a stream to a target. Nothing is written yet: the caller calls
   * `Channel.begin()` when more payload may leave in the same segment.
   *
   * @param target IP address or name, and port.
   * @param first The payload that is already there; may be empty.
   * @param signal Its abort ends the wait.
   * @returns A channel that the caller owns.
   * @throws {UmbraError} If the stream cannot be opened.
   */
  open(
    target: Address,
    first: Uint8Array,
    signal: StopSignal,
  ): Promise<Channel>;
  /**
   * Makes a channel for the datagrams of one client.
   *
   * @param target The target of the first datagram.
   */
  packets(target: Address): PacketChannel;
}

/** Converts the datagrams of one client, without I/O. */
export interface PacketChannel {
  /** Checks the addresses that a datagram's destination resolves to. */
  readonly policy: TargetPolicy;
  /**
   * Makes the outgoing datagram.
   *
   * @param packet The target and the payload; borrowed.
   * @throws {UmbraError} If the datagram must not be sent.
   */
  seal(packet: Packet): PacketOut;
  /**
   * Reads an incoming datagram.
   *
   * @returns The sender and the payload.
   * @throws {ProtocolError} If the datagram must be dropped.
   */
  open(datagram: Datagram): Packet;
  /**
   * True if this way does not work any more and another would be chosen. The
   * next datagram then starts a new flow. Default: false.
   */
  readonly isLost?: boolean;
  /**
   * Opens a socket for these datagrams only; it ignores their addresses.
   * Default: a socket of the transport is used.
   *
   * @throws {UmbraError} If it cannot be opened.
   */
  bind?(): Promise<DatagramSocket>;
  /** Releases keys. Idempotent. */
  free(): void;
}

/** An outgoing datagram. */
export interface PacketOut {
  /** IP address or name, and port, of the next hop. */
  readonly to: Address;
  /** The datagram. */
  readonly bytes: Uint8Array;
}

/** What a router needs to choose a way. */
export interface RouteRequest {
  /** The target. */
  readonly target: Address;
  /**
   * The name of a target that is an address, if DNS or the client supplied it.
   * Rules on names apply to it.
   */
  readonly name?: string | undefined;
  /** The user, where users have names. */
  readonly user?: string | undefined;
  /** Name of the inbound protocol of the request. */
  readonly inbound: string;
  /** IP address of the client. */
  readonly source?: string | undefined;
  /** `tcp` for a stream, `udp` for a datagram. */
  readonly network: "tcp" | "udp";
  /** Receives the decision of the rules. */
  readonly report?: RouteReport;
}

/** Receives the decision about a request, if rules decide. */
export interface RouteReport {
  /** Set once the route is decided. */
  route: RouteDecision | undefined;
}

/** Chooses a way for each connection, and for each datagram. */
export interface Router {
  /**
   * Returns the way for a request.
   *
   * @throws {UmbraError} If there is none.
   */
  choose(request: RouteRequest): Outbound;
}

/** Makes a router that always chooses the same way. */
export function everythingTo(outbound: Outbound): Router {
  return { choose: () => outbound };
}
