/**
 * Ways to reach targets, and who chooses among them.
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
  /** Name for the log; no two outbounds of a router have the same. */
  readonly name: string;
  /**
   * Opens a stream to a target. Nothing is written yet: the caller does that
   * with `Channel.begin()`, when more may leave in the same segment.
   *
   * @param target IP address or name, and port.
   * @param first Payload that is there already; may be empty.
   * @param signal Its abort gives the wait up.
   * @returns A channel that the caller owns.
   * @throws {UmbraError} When the way cannot be opened.
   */
  open(
    target: Address,
    first: Uint8Array,
    signal: StopSignal,
  ): Promise<Channel>;
  /**
   * What the datagrams of one client become on this way.
   *
   * @param target Where the first of them leads.
   */
  packets(target: Address): PacketChannel;
}

/** The datagrams of one client on one way, without I/O. */
export interface PacketChannel {
  /** Judges the addresses that a datagram's destination resolves to. */
  readonly policy: TargetPolicy;
  /**
   * Makes the datagram that leaves.
   *
   * @param packet Target, and what it is to be sent; borrowed.
   * @throws {UmbraError} When it must not leave.
   */
  seal(packet: Packet): PacketOut;
  /**
   * Reads a datagram that came.
   *
   * @returns Who sent it, and what.
   * @throws {ProtocolError} When it is to be dropped.
   */
  open(datagram: Datagram): Packet;
  /**
   * True if this way leads nowhere any more, and another one would be chosen:
   * the flow ends with the next datagram, which begins another. Default: false.
   */
  readonly isLost?: boolean;
  /**
   * Opens the socket that these datagrams alone leave by, whatever their
   * address. Default: one of the transport.
   *
   * @throws {UmbraError} When it cannot be opened.
   */
  bind?(): Promise<DatagramSocket>;
  /** Gives keys back. Idempotent. */
  free(): void;
}

/** A datagram that leaves. */
export interface PacketOut {
  /** IP address or name, and port, of the next hop. */
  readonly to: Address;
  /** One datagram. */
  readonly bytes: Uint8Array;
}

/** The request for a way. */
export interface RouteRequest {
  /** The target. */
  readonly target: Address;
  /**
   * Name of a target that is an address, where it is known from DNS or the client:
   * rules on names hold for it.
   */
  readonly name?: string | undefined;
  /** The user, where users have names. */
  readonly user?: string | undefined;
  /** Name of the protocol that the request came in by. */
  readonly inbound: string;
  /** IP address of the client. */
  readonly source?: string | undefined;
  /** A stream, or one datagram. */
  readonly network: "tcp" | "udp";
  /** Learns what rules have decided. */
  readonly report?: RouteReport;
}

/** The report on a request, where rules decide. */
export interface RouteReport {
  /** Set once the way is decided. */
  route: RouteDecision | undefined;
}

/** Asked once for each connection, and for each datagram. */
export interface Router {
  /**
   * The way for a request.
   *
   * @throws {UmbraError} When there is none.
   */
  choose(request: RouteRequest): Outbound;
}

/** Sends everything one way. */
export function everythingTo(outbound: Outbound): Router {
  return { choose: () => outbound };
}
