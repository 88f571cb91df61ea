/**
 * MD5, SHA-1 and their HMACs, for ShadowsocksR.
 *
 * Security: MD5 and SHA-1 are broken as hashes; no break of their HMACs is
 * known. New protocols must not use them.
 *
 * @module
 */
import { hmac } from "@noble/hashes/hmac.js";
import { md5, sha1 } from "@noble/hashes/legacy.js";
import { equalBytes } from "../bytes.ts";
import type { RandomBytes } from "../random.ts";

/** A hash function of a protocol. */
export interface LegacyDigest {
  /** Hashes data into 16 bytes (MD5) or 20 bytes (SHA-1). */
  hash(data: Uint8Array): Uint8Array;
  /**
   * Computes the HMAC with a key of any length; the size is that of the hash.
   */
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array;
}

/** Names of hash functions, as providers have them. */
export type LegacyHash = "md5" | "sha1";

/** Computes HMACs faster than TypeScript can. */
export interface HmacProvider {
  /** The name in the log. */
  readonly name: string;
  /** Returns new bytes: 16 of MD5, 20 of SHA-1. */
  hmac(hash: LegacyHash, key: Uint8Array, data: Uint8Array): Uint8Array;
}

const noble: HmacProvider = {
  name: "noble",
  hmac: (hash, key, data) => hmac(HASHES[hash], key, data),
};

const HASHES = { md5, sha1 };

/** The provider of this thread. */
let provider = noble;

/** MD5: 16 bytes. */
export const MD5: LegacyDigest = {
  hash: (data) => md5(data),
  hmac: (key, data) => provider.hmac("md5", key, data),
};

/** SHA-1: 20 bytes. */
export const SHA1: LegacyDigest = {
  hash: (data) => sha1(data),
  hmac: (key, data) => provider.hmac("sha1", key, data),
};

/**
 * Tests a provider with the answers of RFC 2202 and of noble, and uses it from
 * now on.
 *
 * @returns The fault; the provider is then not used.
 */
export function useHmac(
  candidate: HmacProvider,
  randomBytes: RandomBytes,
): string | undefined {
  const fault = findHmacFault(candidate, randomBytes);
  if (fault === undefined) provider = candidate;
  return fault;
}

/** RFC 2202 §2 and §3, case 2 of each. */
const KNOWN: Readonly<Record<LegacyHash, string>> = {
  md5: "750c783e6ab0b503eaa86e310a5db738",
  sha1: "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
};

function findHmacFault(
  candidate: HmacProvider,
  randomBytes: RandomBytes,
): string | undefined {
  const text = (ascii: string): Uint8Array => new TextEncoder().encode(ascii);
  for (const hash of ["md5", "sha1"] as const) {
    const known = candidate.hmac(
      hash,
      text("Jefe"),
      text("what do ya want for nothing?"),
    );
    if (known.toHex() !== KNOWN[hash]) return `wrong HMAC-${hash} of RFC 2202`;
    // Lengths around the block of 64 bytes, and up to a packet's size.
    for (const keyLength of [1, 20, 63, 64, 65, 200]) {
      for (const length of [0, 2, 55, 56, 63, 64, 65, 1_400]) {
        const key = randomBytes(keyLength);
        const data = randomBytes(length);
        const made = candidate.hmac(hash, key, data);
        if (!equalBytes(made, noble.hmac(hash, key, data))) {
          return `wrong HMAC-${hash} of ${length} bytes, key of ${keyLength}`;
        }
      }
    }
  }
  return undefined;
}
