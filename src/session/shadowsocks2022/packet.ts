/**
 * Packets of the 2022 edition, without I/O: both ends behind one interface.
 *
 * Source: SIP022 §3.2, SIP023.
 *
 * @module
 */
import { Aead2022PacketClient } from "./packet_client.ts";
import { Aead2022PacketServer } from "./packet_server.ts";
import type { Aead2022Keys } from "./stream.ts";
import type { PacketProtocol } from "../packet_protocol.ts";
import type { PacketWorld } from "../packet_window.ts";

/** The 2022 edition under one key, or one chain of keys. */
export function aead2022Packet(
  { psk, identityKeys = [], users }: Aead2022Keys,
  world: PacketWorld,
): PacketProtocol {
  return {
    client: () => new Aead2022PacketClient(psk, identityKeys, world),
    server: () => new Aead2022PacketServer(psk, users, world),
  };
}
