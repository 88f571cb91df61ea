/**
 * The properties of families of methods. Code asks for the property it needs,
 * not for the family, so that a new family needs only a new record.
 *
 * @module
 */
import { MAX_CHUNK_PAYLOAD, MAX_CHUNK_PAYLOAD_2022 } from "../limits.ts";

/** A family of methods and its properties. */
export interface Family {
  /** Name of the family in messages. */
  readonly name: string;
  /**
   * The form of the configured key: any text, or base64 of the exact length.
   */
  readonly keyKind: "password" | "base64";
  /** True if the clocks of both ends must agree to within 30 s. */
  readonly needsClock: boolean;
  /** Maximum payload bytes of one chunk; `Infinity` without chunks. */
  readonly maxChunk: number;
  /**
   * The salts that a server remembers: the most recent ones, or all of those
   * whose time stamp may still be valid.
   */
  readonly replayMemory: ReplayMemoryKind;
  /** True if a changed byte is detected. */
  readonly authenticates: boolean;
}

/** See {@link Family.replayMemory}. */
export type ReplayMemoryKind = "recent" | "minute";

/**
 * The way in which a server distinguishes the users of one port: not at all, by
 * trying each key, by the identity header of SIP023, or by the number that
 * ShadowsocksR clients send.
 */
export type UserKind = "none" | "trial" | "identity" | "uid";

/** AEAD ciphers under a password. Source: SIP004, SIP007. */
export const AEAD_2017: Family = {
  name: "AEAD 2017",
  keyKind: "password",
  needsClock: false,
  maxChunk: MAX_CHUNK_PAYLOAD,
  replayMemory: "recent",
  authenticates: true,
};

/** Shadowsocks 2022. Source: SIP022. */
export const AEAD_2022: Family = {
  name: "Shadowsocks 2022",
  keyKind: "base64",
  needsClock: true,
  maxChunk: MAX_CHUNK_PAYLOAD_2022,
  replayMemory: "minute",
  authenticates: true,
};

/**
 * Stream ciphers of before 2017 under a password, and the method without
 * encryption.
 */
export const STREAM_CIPHER: Family = {
  name: "stream cipher",
  keyKind: "password",
  needsClock: false,
  maxChunk: Infinity,
  replayMemory: "recent",
  authenticates: false,
};

/**
 * ShadowsocksR: stream ciphers inside layers. Some layers authenticate a
 * client; none authenticates all bytes.
 */
export const SHADOWSOCKSR: Family = {
  name: "ShadowsocksR",
  keyKind: "password",
  needsClock: false,
  maxChunk: Infinity,
  replayMemory: "recent",
  authenticates: false,
};

/** lightsocks: every byte is replaced by another, and SOCKS5 is used inside. */
export const LIGHTSOCKS: Family = {
  name: "lightsocks",
  keyKind: "base64",
  needsClock: false,
  maxChunk: Infinity,
  replayMemory: "recent",
  authenticates: false,
};
