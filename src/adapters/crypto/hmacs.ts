/**
 * The HMACs of this system, the fastest first.
 *
 * @module
 */
import type { HmacProvider } from "../../crypto/legacy_digest.ts";
import { nodeHmac } from "./node_hmac.ts";
import { opensslHmac } from "./openssl_hmac.ts";

/**
 * Returns the available HMACs; an HMAC that is not allowed is not loaded.
 *
 * @param wanted `auto`, or the name of the only allowed HMAC.
 */
export function* systemHmacs(wanted: string): Generator<HmacProvider> {
  const native = (): HmacProvider => nodeHmac;
  // On Bun `node:crypto` is as fast as the calls of libcrypto; on Deno it is
  // slower.
  const all = "Deno" in globalThis ? [openSsl, native] : [native, openSsl];
  for (const find of all) {
    const hmac = find();
    if (hmac && ["auto", hmac.name].includes(wanted)) yield hmac;
  }
}

/** Returns `undefined` if libcrypto is missing or not permitted. */
function openSsl(): HmacProvider | undefined {
  try {
    return opensslHmac();
  } catch {
    return undefined;
  }
}
