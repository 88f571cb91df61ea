/**
 * Fresh passwords and keys.
 *
 * @module
 */
import type { Method } from "../crypto/method.ts";
import type { RandomBytes } from "../random.ts";

/**
 * A random secret for a method, in URL-safe base64 without padding. Used as a
 * password it holds more than the master key can; used as the key itself it
 * is the master key.
 *
 * @param randomBytes Strong randomness; `method.keyLength` bytes are taken.
 */
export function generateKey(method: Method, randomBytes: RandomBytes): string {
  return btoa(String.fromCharCode(...randomBytes(method.keyLength)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
