/**
 * The two ends of Shadowsocks over UDP, without I/O, whatever the family of
 * the method: what the services work with.
 *
 * @module
 */
import type { Packet } from "../codec/packet.ts";
import type { Endpoint } from "../transport.ts";

/** One association at the end of `ss-local`: one application's socket. */
export interface PacketClient {
  /**
   * Seals a packet for the server.
   *
   * @param packet Where to, and what.
   * @returns Fresh bytes: one datagram.
   */
  seal(packet: Packet): Uint8Array;
  /**
   * Opens a packet of the server.
   *
   * @param bytes One datagram, borrowed.
   * @returns Who sent it to us, and what.
   * @throws {ProtocolError} Any `ERR_SS_…`: drop it; the association stays.
   */
  open(bytes: Uint8Array): Packet;
  /** Gives the keys back to their provider. Idempotent. */
  free(): void;
}

/** A packet of a client that has proved to know the key. */
export interface ClientPacket extends Packet {
  /**
   * Names the association it belongs to: the client's address where the
   * family knows nothing better, or else the session id it carries. Replies
   * go to the sender of the latest packet with this id.
   */
  readonly association: string;
  /** The user whose key it was, where users have names. */
  readonly user?: string;
}

/** The associations at the end of `ss-server`. */
export interface PacketServer {
  /**
   * Opens a packet of a client.
   *
   * @param bytes One datagram, borrowed.
   * @param from Who sent it.
   * @returns Which association, where to, and what. The association lives
   * until `end()`.
   * @throws {ProtocolError} Any `ERR_SS_…`: drop it in silence.
   * @throws {PolicyError} `ERR_POLICY_LIMIT`: too many associations; as well.
   */
  open(bytes: Uint8Array, from: Endpoint): ClientPacket;
  /**
   * Seals a reply.
   *
   * @param association One that `open()` named and `end()` did not.
   * @param packet Who sent it to us, and what.
   * @returns Fresh bytes: one datagram.
   */
  seal(association: string, packet: Packet): Uint8Array;
  /**
   * The service has forgotten an association. What must be remembered of it,
   * against replays, is the family's own business.
   */
  end(association: string): void;
}
