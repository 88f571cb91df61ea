/**
 * MD5, SHA-1 and HMAC with them, as ShadowsocksR uses them.
 *
 * Security: MD5 and SHA-1 are broken as hashes; as HMACs they are not known to
 * be. Nothing that is new may use them.
 *
 * @module
 */
import { hmac } from "@noble/hashes/hmac.js";
import { md5, sha1 } from "@noble/hashes/legacy.js";

/** A hash function with its name in the protocols. */
export interface LegacyDigest {
  /** Hashes: 16 bytes of MD5, 20 of SHA-1. */
  hash(data: Uint8Array): Uint8Array;
  /** Authenticates under a key of any length: as many bytes. */
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array;
}

/** MD5: 16 bytes. */
export const MD5: LegacyDigest = {
  hash: (data) => md5(data),
  hmac: (key, data) => hmac(md5, key, data),
};

/** SHA-1: 20 bytes. */
export const SHA1: LegacyDigest = {
  hash: (data) => sha1(data),
  hmac: (key, data) => hmac(sha1, key, data),
};
