/**
 * Fresh passwords and keys.
 *
 * @module
 */
import type { Method } from "../../crypto/method.ts";
import type { RandomBytes } from "../../random.ts";

/**
 * A random secret for a method.
 *
 * For a 2022 method it is the key, in base64 as those methods want it. For the
 * others it is URL-safe base64 without padding: used as a password it holds
 * more than the master key can; used as the key itself it is the master key.
 *
 * @param randomBytes Strong randomness; `method.keyLength` bytes are taken.
 */
export function generateKey(method: Method, randomBytes: RandomBytes): string {
  const base64 = btoa(String.fromCharCode(...randomBytes(method.keyLength)));
  return method.family.keyKind === "base64"
    ? base64
    : base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
