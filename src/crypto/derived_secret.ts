/**
 * Secrets that are derived from other secrets.
 *
 * @module
 */
import { blake3 } from "@noble/hashes/blake3.js";

/**
 * Derives a secret with BLAKE3 in its key derivation mode. Each purpose gives a
 * different secret, from which the original cannot be computed.
 *
 * Security: a secret that is easy to guess stays easy to guess.
 *
 * @param secret Any length.
 * @param purpose A text that is used for nothing else, anywhere.
 * @returns 32 bytes.
 */
export function deriveSecret(secret: string, purpose: string): Uint8Array {
  const encoder = new TextEncoder();
  return blake3(encoder.encode(secret), { context: encoder.encode(purpose) });
}
