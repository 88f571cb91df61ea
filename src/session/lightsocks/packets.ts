/**
 * lightsocks over UDP, which there is none of: all is refused.
 *
 * @module
 */
import { PolicyError, ProtocolError } from "../../errors.ts";
import type {
  ClientPacket,
  PacketClient,
  PacketServer,
} from "../packet_protocol.ts";

/** The end of a local: refuses what applications send. */
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
    // It holds nothing.
  },
};

/** The end of a server: understands nothing that comes. */
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
