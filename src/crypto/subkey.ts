/**
 * The key of one session and direction.
 *
 * Source: Shadowsocks AEAD ciphers, "Key Derivation"; RFC 5869.
 *
 * @module
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha1 } from "@noble/hashes/legacy.js";

const INFO = new TextEncoder().encode("ss-subkey");

/**
 * HKDF-SHA1 over the master key, with info `ss-subkey`.
 *
 * @param masterKey The method's key length in bytes.
 * @param salt As many bytes; fresh and random for every stream or packet.
 * @returns As many bytes again.
 */
export function deriveSubkey(
  masterKey: Uint8Array,
  salt: Uint8Array,
): Uint8Array {
  return hkdf(sha1, masterKey, salt, INFO, masterKey.length);
}
