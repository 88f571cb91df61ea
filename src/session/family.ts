/**
 * The interface of a family of methods: its keys, its client and its server,
 * each with streams and packets. `families.ts` lists the families.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { AeadProvider } from "../crypto/aead.ts";
import type { Family } from "../crypto/family.ts";
import type { KeyStreamProvider } from "../crypto/key_stream.ts";
import type { Method } from "../crypto/method.ts";
import type { RandomBytes } from "../random.ts";
import type { Endpoint } from "../transport.ts";
import type { ReplayFilter } from "../security/replay_filter.ts";
import type { PacketClient, PacketServer } from "./packet_protocol.ts";
import type { ServerUser } from "./server_user.ts";
import type { ClientSession, ServerSession } from "./stream_protocol.ts";

/** The keys of a client. */
export interface ClientKeys {
  /** Cipher of both directions. */
  readonly method: Method;
  /** The key; its length is the method's key length. */
  readonly masterKey: Uint8Array;
  /** The keys of identity headers, in order. */
  readonly identityKeys?: readonly Uint8Array[];
  /** The layers of ShadowsocksR around the cipher. */
  readonly ssr?: SsrClientSettings;
  /**
   * For lightsocks: true if the application itself uses SOCKS5 with the server,
   * and its bytes are only translated. Default: false.
   */
  readonly blind?: boolean;
  /** The first bytes of each stream's salt, for AEAD 2017. */
  readonly saltPrefix?: Uint8Array;
  /** The first bytes of each packet's salt, for AEAD 2017. */
  readonly packetSaltPrefix?: Uint8Array;
}

/** The keys of a server. */
export interface ServerKeys {
  /** Cipher of both directions. */
  readonly method: Method;
  /**
   * The key; its length is the method's key length. With identity headers, it
   * encrypts them. If keys are tried instead, it is the key of clients without
   * a name, and optional.
   */
  readonly masterKey?: Uint8Array;
  /** The users; if not set or empty, every holder of the key may connect. */
  readonly users?: readonly ServerUser[];
  /** The layers of ShadowsocksR around the cipher. */
  readonly ssr?: SsrServerSettings;
}

/** The layers of ShadowsocksR around the cipher, for both ends. */
export interface SsrSettings {
  /** The layer inside the cipher, such as `auth_aes128_md5`. */
  readonly protocol: string;
  /** The disguise, such as `tls1.2_ticket_auth`. */
  readonly obfs: string;
  /**
   * Names to imitate connections to, separated by commas. For a server, the
   * names that are accepted, or the seconds that a hello may be old. Default:
   * none.
   */
  readonly obfsParam?: string;
}

/** The ShadowsocksR layers of a client. */
export interface SsrClientSettings extends SsrSettings {
  /** Name or address, and port, for disguises that contain them. */
  readonly server: Endpoint;
  /**
   * The client's user: a 32-bit id, and a password as UTF-8. Default: no user.
   */
  readonly user?: { readonly uid: number; readonly password: Uint8Array };
}

/** The ShadowsocksR layers of a server. */
export interface SsrServerSettings extends SsrSettings {
  /** Seconds a time stamp may differ from our clock; default 86,400. */
  readonly maxSkewSeconds?: number;
}

/** The form of a secret. */
export type SecretKind = "password" | "key";

/** What sessions depend on. */
export interface SessionWorld {
  /** Provides AEAD ciphers. */
  readonly aeadProvider: AeadProvider;
  /** Provides stream ciphers. */
  readonly keyStreamProvider: KeyStreamProvider;
  /** Makes and checks time stamps. */
  readonly clock: Clock;
  /** Makes salts, session ids and padding lengths. */
  readonly randomBytes: RandomBytes;
}

/** What a server's sessions depend on. */
export interface ServerWorld extends SessionWorld {
  /** The replay filter, of the kind that the method's family needs. */
  readonly replayFilter: ReplayFilter;
}

/** The protocol of a client, under one key. */
export interface ClientProtocol {
  /** Makes a session for a new stream. */
  stream(): ClientSession;
  /** Makes a session for a new UDP association. */
  packets(): PacketClient;
}

/** The protocol of a server, under its keys; its users may change. */
export interface ServerProtocol {
  /**
   * Makes a session for a new stream.
   *
   * @param clientHost Returns the client's address. If keys are tried, the key
   * last used from there comes first.
   */
  stream(clientHost?: () => string): ServerSession;
  /** The server's UDP associations. */
  readonly packets: PacketServer;
  /**
   * Replaces the users; open sessions stay.
   *
   * @throws {RangeError} If the method supports no users, there are too many,
   * two have the same key, or no client could connect; nothing has changed
   * then.
   */
  setUsers(users: readonly ServerUser[]): void;
  /**
   * Replaces one user, at a cost that does not grow with the number of users;
   * open sessions stay.
   *
   * @param old The user as it was set before; if not set, `next` is added.
   * @param next The new user, whose name is that of `old` or unused; if not
   * set, `old` is removed.
   * @throws {RangeError} As {@link ServerProtocol.setUsers}; nothing has
   * changed then.
   */
  replaceUser(old: ServerUser | undefined, next: ServerUser | undefined): void;
}

/**
 * Returns the key of a server.
 *
 * @throws {RangeError} If it is missing.
 */
export function neededKey({ masterKey }: ServerKeys): Uint8Array {
  if (masterKey !== undefined) return masterKey;
  throw new RangeError("Cannot start server: it has no key");
}

/**
 * Returns the methods for the users of a server that supports none.
 *
 * @param name The name of the method, for the error.
 */
export function withoutUsers(
  name: string,
): Pick<ServerProtocol, "setUsers" | "replaceUser"> {
  const check = (isUsed: boolean): void => {
    if (!isUsed) return;
    throw new RangeError(`Cannot serve users: ${name} does not support users`);
  };
  return {
    setUsers: (users) => check(users.length > 0),
    replaceUser: (_old, next) => check(next !== undefined),
  };
}

/** A family of methods. */
export interface SessionFamily {
  /** The properties of the family. */
  readonly family: Family;
  /**
   * Reads the operator's key.
   *
   * @param kind A password, or a raw key in base64; a family whose keys are
   * always base64 treats both the same.
   * @returns At least one key of `method.keyLength` bytes: identity keys first,
   * the session's own last.
   * @throws {ConfigError} `ERR_SS_KEY_LENGTH`; the message never contains a
   * key.
   */
  readKeys(text: string, method: Method, kind: SecretKind): Uint8Array[];
  /** Makes the protocol of a client. */
  client(keys: ClientKeys, world: SessionWorld): ClientProtocol;
  /**
   * Makes the protocol of a server, without users yet.
   *
   * @throws {RangeError} If a key is missing.
   */
  server(keys: ServerKeys, world: ServerWorld): ServerProtocol;
}
