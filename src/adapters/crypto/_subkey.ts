/**
 * HKDF by the runtime's own `node:crypto`, on both of them faster than ours.
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
  // A small array without a buffer of its own, which each connection has two of.
  const subkey = derived.slice();
  derived.fill(0);
  return subkey;
}
