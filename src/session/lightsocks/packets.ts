/**
 * Refuses UDP, which lightsocks does not support.
 *
 * @module
 */
import { PolicyError, ProtocolError } from "../../errors.ts";
import type {
  ClientPacket,
  PacketClient,
  PacketServer,
} from "../packet_protocol.ts";

/** The UDP client: refuses all packets of applications. */
export const NO_PACKET_CLIENT: PacketClient = {
  seal(): Uint8Array {
    throw new PolicyError(
      "ERR_POLICY_TARGET",
      "Cannot send datagram: lightsocks carries TCP only",
    );
  },
  open(): never {
    throw unknown();
  },
  free(): void {
    // No key is held.
  },
};

/** The UDP server: refuses all packets. */
export const NO_PACKET_SERVER: PacketServer = {
  open(): ClientPacket {
    throw unknown();
  },
  seal(): Uint8Array {
    throw new TypeError("Cannot seal: there is no such association");
  },
  end(): void {
    // There are no associations.
  },
};

function unknown(): ProtocolError {
  return new ProtocolError(
    "ERR_SS_AUTHENTICATION",
    "Cannot open packet: lightsocks carries TCP only",
  );
}
