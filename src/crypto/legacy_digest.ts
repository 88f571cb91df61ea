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
import { equalBytes } from "../bytes.ts";
import type { RandomBytes } from "../random.ts";

/** A hash function with its name in the protocols. */
export interface LegacyDigest {
  /** Hashes: 16 bytes of MD5, 20 of SHA-1. */
  hash(data: Uint8Array): Uint8Array;
  /** Authenticates under a key of any length: as many bytes. */
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array;
}

/** Names of hash functions, as providers have them. */
export type LegacyHash = "md5" | "sha1";

/** Computes HMACs faster than TypeScript does. */
export interface HmacProvider {
  /** The name in the log. */
  readonly name: string;
  /** Fresh bytes: 16 of MD5, 20 of SHA-1. */
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
 * Proves a provider by answers of RFC 2202 and by noble's, and lets it compute
 * from now on.
 *
 * @returns Why it may not; nothing has changed then.
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
    // Around the block of 64 bytes, and as long as packets are.
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
