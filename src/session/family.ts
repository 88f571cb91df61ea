/**
 * What a family of methods brings: its keys, its client and its server, each
 * with streams and packets. `families.ts` lists those that there are.
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

/** The keys of both ends, as `ss-local` has them. */
export interface ClientKeys {
  /** Cipher of both directions. */
  readonly method: Method;
  /** The method's key length in bytes. */
  readonly masterKey: Uint8Array;
  /** The keys of identity headers, in order. */
  readonly identityKeys?: readonly Uint8Array[];
  /** The layers around the cipher of ShadowsocksR. */
  readonly ssr?: SsrClientSettings;
  /**
   * Of lightsocks: true if the application speaks SOCKS5 with the server, and
   * its bytes are only translated. Default: false.
   */
  readonly blind?: boolean;
  /** The first bytes of each stream's salt, with AEAD 2017. */
  readonly saltPrefix?: Uint8Array;
  /** The first bytes of each packet's salt. */
  readonly packetSaltPrefix?: Uint8Array;
}

/** The keys of both ends, as `ss-server` has them. */
export interface ServerKeys {
  /** Cipher of both directions. */
  readonly method: Method;
  /**
   * The method's key length in bytes. Where users have identity headers it is
   * the key that hides them; where keys are tried it serves clients without a
   * name, and may be left out.
   */
  readonly masterKey?: Uint8Array;
  /** The users; not set, or empty: every holder of the key may connect. */
  readonly users?: readonly ServerUser[];
  /** The layers around the cipher of ShadowsocksR. */
  readonly ssr?: SsrServerSettings;
}

/** The layers around the cipher of ShadowsocksR, at both ends. */
export interface SsrSettings {
  /** The layer inside the cipher, such as `auth_aes128_md5`. */
  readonly protocol: string;
  /** The disguise, such as `tls1.2_ticket_auth`. */
  readonly obfs: string;
  /**
   * Names to pretend to speak with, separated by commas; at the server those
   * that are accepted, or the seconds that a hello may be old. Default: none.
   */
  readonly obfsParam?: string;
}

/** The layers of `ss-local`. */
export interface SsrClientSettings extends SsrSettings {
  /** Name or address, and port, for disguises that show them. */
  readonly server: Endpoint;
  /** The client's user: 32 bits, and a password as UTF-8. Default: no user. */
  readonly user?: { readonly uid: number; readonly password: Uint8Array };
}

/** The layers of `ss-server`. */
export interface SsrServerSettings extends SsrSettings {
  /** Seconds a time stamp may differ from our clock; default 86,400. */
  readonly maxSkewSeconds?: number;
}

/** The forms of a secret. */
export type SecretKind = "password" | "key";

/** The world of sessions. */
export interface SessionWorld {
  /** Computes the ciphers that authenticate. */
  readonly aeadProvider: AeadProvider;
  /** Computes stream ciphers. */
  readonly keyStreamProvider: KeyStreamProvider;
  /** Judges and makes time stamps. */
  readonly clock: Clock;
  /** Makes salts, session ids and lengths of padding. */
  readonly randomBytes: RandomBytes;
}

/** The world of a server's sessions. */
export interface ServerWorld extends SessionWorld {
  /** The salts it has seen, of the kind that the method's family needs. */
  readonly replayFilter: ReplayFilter;
}

/** The end of `ss-local`, under one key. */
export interface ClientProtocol {
  /** A new stream. */
  stream(): ClientSession;
  /** A new UDP association. */
  packets(): PacketClient;
}

/** The end of `ss-server`, under its keys; its users may change. */
export interface ServerProtocol {
  /**
   * A new stream.
   *
   * @param clientHost Gives the client's address, if asked: whose key to try
   * first, where several have to be tried.
   */
  stream(clientHost?: () => string): ServerSession;
  /** The server's UDP associations. */
  readonly packets: PacketServer;
  /**
   * Takes users as they are from now on; open sessions are not touched.
   *
   * @throws {RangeError} When the method cannot tell users apart, when there
   * are more than can be told apart, two are alike, or no client could connect;
   * nothing has changed then.
   */
  setUsers(users: readonly ServerUser[]): void;
  /**
   * Takes one user in the place of another, at a cost that does not grow with
   * their number; open sessions are not touched.
   *
   * @param old As it was given before; not set: one more comes.
   * @param next Its name is that of `old`, or of no other; not set: `old` is
   * removed.
   * @throws {RangeError} As {@link ServerProtocol.setUsers}; nothing has
   * changed then.
   */
  replaceUser(old: ServerUser | undefined, next: ServerUser | undefined): void;
}

/** One family. */
export interface SessionFamily {
  /** The facts about the family. */
  readonly family: Family;
  /**
   * Reads what the operator gives as a key.
   *
   * @param kind A password, or a raw key in base64; a family whose keys are all
   * base64 takes either for the same.
   * @returns At least one key of `method.keyLength` bytes: identity keys first,
   * the session's own last.
   * @throws {ConfigError} `ERR_SS_KEY_LENGTH`; the message never holds a key.
   */
  readKeys(text: string, method: Method, kind: SecretKind): Uint8Array[];
  /** The end of `ss-local`. */
  client(keys: ClientKeys, world: SessionWorld): ClientProtocol;
  /**
   * The end of `ss-server`, without users yet.
   *
   * @throws {RangeError} When a key is missing.
   */
  server(keys: ServerKeys, world: ServerWorld): ServerProtocol;
}
