/**
 * Makes new passwords and keys.
 *
 * @module
 */
import type { Method } from "../../crypto/method.ts";
import type { RandomBytes } from "../../random.ts";

/**
 * Returns a random secret for a method.
 *
 * For a 2022 method it is the key in base64. For other methods it is URL-safe
 * base64 without padding: as a password it has at least as much entropy as the
 * master key, and as a key it is the master key.
 *
 * @param randomBytes A strong source; `method.keyLength` bytes are used.
 */
export function generateKey(method: Method, randomBytes: RandomBytes): string {
  const base64 = btoa(String.fromCharCode(...randomBytes(method.keyLength)));
  return method.family.keyKind === "base64"
    ? base64
    : base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
