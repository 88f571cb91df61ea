/**
 * Streams of the 2022 edition, without I/O: both ends behind one interface.
 *
 * Source: SIP022 §3.1, SIP023.
 *
 * @module
 */
import type { Psk } from "../../crypto/psk.ts";
import { Aead2022Client } from "./client.ts";
import { Aead2022Server } from "./server.ts";
import type { Users2022 } from "./users.ts";
import type { Aead2022World } from "./world.ts";
import type { StreamProtocol } from "../stream_protocol.ts";

/** What a key is used for besides the sessions. */
export interface Aead2022Keys {
  /**
   * The key of the sessions; of a server with users, the identity key that
   * its clients hide their names with.
   */
  readonly psk: Psk;
  /** Of a client: the identity keys before its own, in order. */
  readonly identityKeys?: readonly Psk[];
  /** Of a server: its users. Not set, or empty: whoever has the key. */
  readonly users?: Users2022;
}

/** The 2022 edition under one key, or one chain of keys. */
export function aead2022Stream(
  keys: Aead2022Keys,
  world: Aead2022World,
): StreamProtocol {
  return {
    client: () => new Aead2022Client(keys.psk, keys.identityKeys ?? [], world),
    server: () => {
      const users = keys.users?.size ? keys.users : undefined;
      return new Aead2022Server(keys.psk, users, world);
    },
  };
}
