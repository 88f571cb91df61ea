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
import type { UserLimits } from "../users.ts";
import { aead2017Stream } from "./aead2017_stream.ts";
import { aead2017Users } from "./aead2017_users.ts";
import { aead2022Stream } from "./aead2022_stream.ts";
import { Users2022 } from "./aead2022_users.ts";
import type { SaltFilter } from "./salt_filter.ts";
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

/** A user of a server. */
export interface ServerUser {
  /** For the log and the counters. */
  readonly name: string;
  /** The method's key length in bytes. */
  readonly masterKey: Uint8Array;
  /** Not set: none. */
  readonly limits?: UserLimits;
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

/** The protocol of `ss-local`. */
export function clientProtocol(
  { method, masterKey, identityKeys = [] }: ClientKeys,
  world: ProtocolWorld,
): StreamProtocol {
  const { aeadProvider, randomBytes } = world;
  if (method.edition === 2017) {
    return aead2017Stream(
      new MasterKey(method, masterKey, aeadProvider),
      randomBytes,
    );
  }
  const psk = (key: Uint8Array): Psk => new Psk(method, key, aeadProvider);
  return aead2022Stream(
    { psk: psk(masterKey), identityKeys: identityKeys.map(psk) },
    world,
  );
}

/**
 * The protocol of `ss-server`.
 *
 * @param filter The salts it has seen.
 * @throws {RangeError} When a key is missing, when the method has no identity
 * headers but there are users, or there are more than can be told apart.
 */
export function serverProtocol(
  keys: ServerKeys,
  world: ProtocolWorld,
  filter: SaltFilter,
): StreamProtocol {
  return keys.method.edition === 2017
    ? server2017(keys, world, filter)
    : server2022(keys, world, filter);
}

function server2017(
  { method, masterKey, users = [] }: ServerKeys,
  { aeadProvider, randomBytes }: ProtocolWorld,
  filter: SaltFilter,
): StreamProtocol {
  const bind = (key: Uint8Array): MasterKey =>
    new MasterKey(method, key, aeadProvider);
  if (users.length === 0) {
    return aead2017Stream(bind(required(masterKey)), randomBytes, filter);
  }
  const known = users.map(({ name, masterKey }) => ({
    name,
    masterKey: bind(masterKey),
  }));
  const unnamed = masterKey === undefined
    ? []
    : [{ masterKey: bind(masterKey) }];
  return aead2017Users([...known, ...unnamed], randomBytes, filter);
}

function server2022(
  { method, masterKey, users = [] }: ServerKeys,
  world: ProtocolWorld,
  filter: SaltFilter,
): StreamProtocol {
  const bind = (key: Uint8Array): Psk =>
    new Psk(method, key, world.aeadProvider);
  const psk = bind(required(masterKey));
  const { clock, randomBytes } = world;
  const inner = { clock, randomBytes, filter };
  if (users.length === 0) return aead2022Stream({ psk }, inner);
  if (!psk.hasIdentity) {
    throw new RangeError(`Cannot serve users: ${method.name} cannot name them`);
  }
  const table = new Users2022(
    users.map(({ name, masterKey }) => ({ name, psk: bind(masterKey) })),
  );
  return aead2022Stream({ psk, users: table }, inner);
}

function required(masterKey: Uint8Array | undefined): Uint8Array {
  if (masterKey !== undefined) return masterKey;
  throw new RangeError("Cannot start server: it has no key");
}
