/**
 * Hashes of inline scripts and styles for a Content-Security-Policy.
 *
 * Source: CSP 3, §2.3.1 (hash-source).
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";

/** Returns the source expression of a text: `'sha256-…'`. */
export function contentHash(text: string): string {
  const digest = sha256(new TextEncoder().encode(text));
  return `'sha256-${digest.toBase64()}'`;
}
