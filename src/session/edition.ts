/**
 * Picks the protocol that a method belongs to.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { type AeadProvider, MasterKey } from "../crypto/aead.ts";
import type { Method } from "../crypto/method.ts";
import { Psk } from "../crypto/psk.ts";
import type { RandomBytes } from "../random.ts";
import {
  aead2017Packet,
  Aead2017PacketServer,
} from "./shadowsocks2017/packet.ts";
import { aead2017Stream } from "./shadowsocks2017/stream.ts";
import {
  aead2017Users,
  type User2017,
  Users2017,
} from "./shadowsocks2017/users.ts";
import { aead2022Packet } from "./shadowsocks2022/packet.ts";
import { type Aead2022Keys, aead2022Stream } from "./shadowsocks2022/stream.ts";
import { type User2022, Users2022 } from "./shadowsocks2022/users.ts";
import type { PacketProtocol, PacketServer } from "./packet_protocol.ts";
import type { PacketWindow } from "./packet_window.ts";
import type { SaltFilter } from "./salt_filter.ts";
import {
  checkDistinct,
  RememberedUsers,
  type ServerUser,
} from "./server_user.ts";
import type { StreamProtocol } from "./stream_protocol.ts";

/** What both ends must share, as `ss-local` has it. */
export interface ClientKeys {
  /** Cipher of both directions. */
  readonly method: Method;
  /** The method's key length in bytes. */
  readonly masterKey: Uint8Array;
  /** Of a 2022 method: the identity keys before it, in order. */
  readonly identityKeys?: readonly Uint8Array[];
}

/** What both ends must share, as `ss-server` has it. */
export interface ServerKeys {
  /** Cipher of both directions. */
  readonly method: Method;
  /**
   * The method's key length in bytes. With users of a 2022 method it is their
   * identity key; with users of a 2017 method it is the key of whoever is no
   * user, and may be left out.
   */
  readonly masterKey?: Uint8Array;
  /** Not set, or empty: whoever has the key. */
  readonly users?: readonly ServerUser[];
}

/** What sessions are made with. */
export interface ProtocolWorld {
  /** Computes the ciphers. */
  readonly aeadProvider: AeadProvider;
  /** Judges and makes time stamps. */
  readonly clock: Clock;
  /** Makes salts. */
  readonly randomBytes: RandomBytes;
}

/** What sessions of packets are made with, too. */
export interface PacketProtocolWorld extends ProtocolWorld {
  /** A memory of packet ids that has seen nothing, for each session of 2022. */
  newWindow(): PacketWindow;
}

/** The protocol of `ss-local`. */
export function clientProtocol(
  keys: ClientKeys,
  world: ProtocolWorld,
): StreamProtocol {
  const { method, masterKey } = keys;
  const { aeadProvider, randomBytes } = world;
  if (method.edition === 2017) {
    return aead2017Stream(
      new MasterKey(method, masterKey, aeadProvider),
      randomBytes,
    );
  }
  return aead2022Stream(chainOf(keys, world), world);
}

/** The packets of `ss-local`. */
export function clientPackets(
  keys: ClientKeys,
  world: PacketProtocolWorld,
): PacketProtocol {
  const { method, masterKey } = keys;
  const { aeadProvider, randomBytes } = world;
  if (method.edition === 2017) {
    const key = new MasterKey(method, masterKey, aeadProvider);
    return aead2017Packet(key, randomBytes);
  }
  return aead2022Packet(chainOf(keys, world), world);
}

function chainOf(
  { method, masterKey, identityKeys = [] }: ClientKeys,
  { aeadProvider }: ProtocolWorld,
): Aead2022Keys {
  const bind = (key: Uint8Array): Psk => new Psk(method, key, aeadProvider);
  return { psk: bind(masterKey), identityKeys: identityKeys.map(bind) };
}

/** The protocol of `ss-server`; its users may change while it runs. */
export interface ServerProtocol {
  /** Its streams. */
  readonly streams: StreamProtocol;
  /** Its packets. */
  readonly packets: PacketServer;
  /**
   * Takes users as they are from now on; open sessions are not touched.
   *
   * @throws {RangeError} When the method has no identity headers, when there
   * are more than can be told apart, two are alike, or nobody could connect;
   * nothing has changed then.
   */
  setUsers(users: readonly ServerUser[]): void;
}

/**
 * The protocol of `ss-server`.
 *
 * @param filter The salts it has seen.
 * @throws {RangeError} When a key is missing, and as `setUsers()`.
 */
export function serverProtocol(
  keys: ServerKeys,
  world: PacketProtocolWorld,
  filter: SaltFilter,
): ServerProtocol {
  const protocol = keys.method.edition === 2017
    ? server2017(keys, world, filter)
    : server2022(keys, world, filter);
  protocol.setUsers(keys.users ?? []);
  return protocol;
}

function server2017(
  { method, masterKey }: ServerKeys,
  { aeadProvider, randomBytes }: PacketProtocolWorld,
  filter: SaltFilter,
): ServerProtocol {
  const bind = (key: Uint8Array): MasterKey =>
    new MasterKey(method, key, aeadProvider);
  const own = masterKey && { masterKey: bind(masterKey) };
  const single = own && aead2017Stream(own.masterKey, randomBytes, filter);
  const table = new Users2017(method);
  const known = new RememberedUsers(({ name, masterKey }): User2017 => ({
    name,
    masterKey: bind(masterKey),
  }));
  const several = aead2017Users(table, randomBytes, filter);
  let hasUsers = false;
  return {
    streams: {
      client: several.client,
      server: (host) => (!hasUsers && single ? single : several).server(host),
    },
    packets: new Aead2017PacketServer(table, randomBytes),
    setUsers(users): void {
      checkDistinct(users);
      const named = known.all(users);
      table.set(own === undefined ? named : [...named, own]);
      hasUsers = users.length > 0;
    },
  };
}

function server2022(
  { method, masterKey }: ServerKeys,
  world: PacketProtocolWorld,
  filter: SaltFilter,
): ServerProtocol {
  const bind = (key: Uint8Array): Psk =>
    new Psk(method, key, world.aeadProvider);
  const psk = bind(required(masterKey));
  const table = new Users2022([]);
  const known = new RememberedUsers(({ name, masterKey }): User2022 => ({
    name,
    psk: bind(masterKey),
  }));
  return {
    streams: aead2022Stream({ psk, users: table }, { ...world, filter }),
    packets: aead2022Packet({ psk, users: table }, world).server(),
    setUsers(users): void {
      if (users.length > 0 && !psk.hasIdentity) {
        throw new RangeError(
          `Cannot serve users: ${method.name} cannot name them`,
        );
      }
      checkDistinct(users);
      table.set(known.all(users));
    },
  };
}

function required(masterKey: Uint8Array | undefined): Uint8Array {
  if (masterKey !== undefined) return masterKey;
  throw new RangeError("Cannot start server: it has no key");
}
