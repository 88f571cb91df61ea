/**
 * HKDF with the runtime's `node:crypto`, which is faster than HKDF in
 * TypeScript on both runtimes.
 *
 * @module
 */
import { hkdfSync } from "node:crypto";

/** Implements `AeadProvider.deriveSubkey`. */
export function nativeSubkey(
  masterKey: Uint8Array,
  salt: Uint8Array,
): Uint8Array {
  const derived = new Uint8Array(
    hkdfSync("sha1", masterKey, salt, "ss-subkey", masterKey.length),
  );
  // A copy has no shared buffer. Each connection keeps two of these arrays.
  const subkey = derived.slice();
  derived.fill(0);
  return subkey;
}
