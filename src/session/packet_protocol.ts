/**
 * The interface of both ends of Shadowsocks over UDP, without I/O, for every
 * family of methods.
 *
 * @module
 */
import type { Packet } from "../codec/packet.ts";
import type { Endpoint } from "../transport.ts";

/** One association of a client, which is one application's socket. */
export interface PacketClient {
  /**
   * Encrypts a packet for the server.
   *
   * @param packet The target and the payload.
   * @returns New bytes: one datagram.
   */
  seal(packet: Packet): Uint8Array;
  /**
   * Decrypts a packet of the server.
   *
   * @param bytes One datagram, borrowed.
   * @returns The sender and the payload.
   * @throws {ProtocolError} Any `ERR_SS_…`; the packet must be dropped, and the
   * association stays.
   */
  open(bytes: Uint8Array): Packet;
  /** Releases the keys. Idempotent. */
  free(): void;
}

/** A packet of a client that has authenticated. */
export interface ClientPacket extends Packet {
  /**
   * Identifies the association: the client's address, or the session id in the
   * packet where the family has one. Replies are sent to the sender of the
   * latest packet of the association.
   */
  readonly association: string;
  /** The user that authenticated, where users have names. */
  readonly user?: string;
}

/** The associations of a server. */
export interface PacketServer {
  /**
   * Decrypts a packet of a client.
   *
   * @param bytes One datagram, borrowed.
   * @param from The sender.
   * @returns The association, the target and the payload. The association
   * exists until `end()`.
   * @throws {ProtocolError} Any `ERR_SS_…`; the packet must be dropped without
   * an answer.
   * @throws {PolicyError} `ERR_POLICY_LIMIT` if there are too many
   * associations; the packet must be dropped as well.
   */
  open(bytes: Uint8Array, from: Endpoint): ClientPacket;
  /**
   * Encrypts a reply.
   *
   * @param association An association that `open()` returned and that has not
   * ended.
   * @param packet The sender and the payload.
   * @returns New bytes: one datagram.
   */
  seal(association: string, packet: Packet): Uint8Array;
  /**
   * Ends an association. The family itself keeps what it must remember against
   * replays.
   */
  end(association: string): void;
}
