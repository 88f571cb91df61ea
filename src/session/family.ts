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

/** What both ends must share, as `ss-local` has it. */
export interface ClientKeys {
  /** Cipher of both directions. */
  readonly method: Method;
  /** The method's key length in bytes. */
  readonly masterKey: Uint8Array;
  /** Of a method with identity headers: the keys before it, in order. */
  readonly identityKeys?: readonly Uint8Array[];
  /** Of a method of ShadowsocksR: what is around the cipher. */
  readonly ssr?: SsrClientSettings;
  /**
   * Of lightsocks: true if the application speaks SOCKS5 with the server, and
   * its bytes are only translated. Default: false.
   */
  readonly blind?: boolean;
  /** Of AEAD 2017: bytes that the salt of each stream begins with. */
  readonly saltPrefix?: Uint8Array;
  /** The same of each packet. */
  readonly packetSaltPrefix?: Uint8Array;
}

/** What both ends must share, as `ss-server` has it. */
export interface ServerKeys {
  /** Cipher of both directions. */
  readonly method: Method;
  /**
   * The method's key length in bytes. Where users have identity headers it is
   * the key that hides them; where keys are tried it serves clients without a
   * name, and may be left out.
   */
  readonly masterKey?: Uint8Array;
  /** Not set, or empty: everyone who has the key. */
  readonly users?: readonly ServerUser[];
  /** Of a method of ShadowsocksR: what is around the cipher. */
  readonly ssr?: SsrServerSettings;
}

/** What is around the cipher of ShadowsocksR, at both ends. */
export interface SsrSettings {
  /** What is inside the cipher, such as `auth_aes128_md5`. */
  readonly protocol: string;
  /** The disguise, such as `tls1.2_ticket_auth`. */
  readonly obfs: string;
  /**
   * Names to pretend to speak with, separated by commas; at the server those
   * that are accepted, or the seconds that a hello may be old. Default: none.
   */
  readonly obfsParam?: string;
}

/** The same, as `ss-local` has it. */
export interface SsrClientSettings extends SsrSettings {
  /** Name or address, and port, for disguises that show them. */
  readonly server: Endpoint;
  /** Who we are: 32 bits, and a password as UTF-8. Default: no user. */
  readonly user?: { readonly uid: number; readonly password: Uint8Array };
}

/** The same, as `ss-server` has it. */
export interface SsrServerSettings extends SsrSettings {
  /** Seconds a time stamp may differ from our clock; default 86,400. */
  readonly maxSkewSeconds?: number;
}

/** How a secret is written. */
export type SecretKind = "password" | "key";

/** What sessions are made with. */
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

/** What sessions of a server are made with. */
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
   * @param clientHost Tells the client's address, if asked: whose key to try
   * first, where several have to be tried.
   */
  stream(clientHost?: () => string): ServerSession;
  /** Its UDP associations. */
  readonly packets: PacketServer;
  /**
   * Takes users as they are from now on; open sessions are not touched.
   *
   * @throws {RangeError} When the method cannot tell users apart, when there
   * are more than can be told apart, two are alike, or no client could connect;
   * nothing has changed then.
   */
  setUsers(users: readonly ServerUser[]): void;
}

/** One family. */
export interface SessionFamily {
  /** Its facts. */
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
