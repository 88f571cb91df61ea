/**
 * Secrets made of secrets.
 *
 * @module
 */
import { blake3 } from "@noble/hashes/blake3.js";

/**
 * BLAKE3 in its key derivation mode: another purpose gives another secret, and
 * none of them shows the original.
 *
 * Security: what is easy to guess stays easy to guess.
 *
 * @param secret Any length.
 * @param purpose A text that is used for nothing else, anywhere.
 * @returns 32 bytes.
 */
export function deriveSecret(secret: string, purpose: string): Uint8Array {
  const encoder = new TextEncoder();
  return blake3(encoder.encode(secret), { context: encoder.encode(purpose) });
}
