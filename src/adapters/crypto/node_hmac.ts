/**
 * HMAC of `node:crypto`, which both runtimes compute natively.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import type { HmacProvider } from "../../crypto/legacy_digest.ts";

/** MD5 and SHA-1; must be proved before it is used. */
export const nodeHmac: HmacProvider = {
  name: "node",
  // A copy: the methods of a Buffer are not those of its bytes.
  hmac: (hash, key, data) =>
    new Uint8Array(createHmac(hash, key).update(data).digest()),
};
