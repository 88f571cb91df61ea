/**
 * What sessions of packets ask of a memory of packet ids.
 *
 * @module
 */
import { ProtocolError } from "../errors.ts";
import type { Aead2022World } from "./shadowsocks2022/world.ts";

/** The ids seen in one session. See `security/sliding_window.ts`. */
export interface PacketWindow {
  /**
   * Records an id, in the same step as it looks it up.
   *
   * @param id Of a packet that is authentic and of now.
   * @returns `false` when it was seen, or is too old to tell.
   */
  add(id: bigint): boolean;
}

/** What sessions of packets are made of. */
export interface PacketWorld extends Omit<Aead2022World, "filter"> {
  /** A memory that has seen nothing, for each session. */
  newWindow(): PacketWindow;
}

/** The error of a packet that was seen before. */
export function replayedPacket(): ProtocolError {
  return new ProtocolError(
    "ERR_SS_REPLAY",
    "Cannot accept packet: its id was seen before, or is too old to tell",
  );
}
