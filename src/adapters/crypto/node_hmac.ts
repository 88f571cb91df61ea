/**
 * HMAC of `node:crypto`, which both runtimes compute natively.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import type { HmacProvider } from "../../crypto/legacy_digest.ts";

/** MD5 and SHA-1. The HMAC must pass its self-test before use. */
export const nodeHmac: HmacProvider = {
  name: "node",
  // A copy: the methods of a Buffer differ from those of Uint8Array.
  hmac: (hash, key, data) =>
    new Uint8Array(createHmac(hash, key).update(data).digest()),
};
