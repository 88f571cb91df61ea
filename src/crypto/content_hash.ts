/**
 * How a Content-Security-Policy names a script or a style that is in the
 * page itself.
 *
 * Source: CSP 3, §2.3.1 (hash-source).
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";

/** The source expression of a text: `'sha256-…'`. */
export function contentHash(text: string): string {
  const digest = sha256(new TextEncoder().encode(text));
  return `'sha256-${digest.toBase64()}'`;
}
