/**
 * The facts that tell one family of methods from another. Code asks for the
 * fact it needs, never for the family, so that a new family is a new record.
 *
 * @module
 */
import { MAX_CHUNK_PAYLOAD, MAX_CHUNK_PAYLOAD_2022 } from "../limits.ts";

/** A kind of cipher, and what follows from it. */
export interface Family {
  /** Name of the family in messages. */
  readonly name: string;
  /**
   * The form of the operator's key: any text, or base64 of the exact length.
   */
  readonly keyKind: "password" | "base64";
  /** True if both ends need clocks that agree to within 30 s. */
  readonly needsClock: boolean;
  /** Payload bytes that one chunk may carry; `Infinity` without chunks. */
  readonly maxChunk: number;
  /**
   * Which salts a server remembers: the last ones it has seen, or all of those
   * whose time stamp may still be good.
   */
  readonly replayMemory: ReplayMemoryKind;
  /** True if a changed byte is noticed. */
  readonly authenticates: boolean;
}

/** See {@link Family.replayMemory}. */
export type ReplayMemoryKind = "recent" | "minute";

/**
 * How a server tells users of one port apart: not at all, by trying each key,
 * by the identity header of SIP023, or by the number that clients of
 * ShadowsocksR send.
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

/** Stream ciphers of before 2017 under a password, and none at all. */
export const STREAM_CIPHER: Family = {
  name: "stream cipher",
  keyKind: "password",
  needsClock: false,
  maxChunk: Infinity,
  replayMemory: "recent",
  authenticates: false,
};

/**
 * ShadowsocksR: stream ciphers with layers around them, some of which
 * authenticate a client, and none all that is sent.
 */
export const SHADOWSOCKSR: Family = {
  name: "ShadowsocksR",
  keyKind: "password",
  needsClock: false,
  maxChunk: Infinity,
  replayMemory: "recent",
  authenticates: false,
};

/** lightsocks: every byte is replaced by another, and SOCKS5 is spoken inside. */
export const LIGHTSOCKS: Family = {
  name: "lightsocks",
  keyKind: "base64",
  needsClock: false,
  maxChunk: Infinity,
  replayMemory: "recent",
  authenticates: false,
};
