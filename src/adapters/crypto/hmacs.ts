/**
 * The HMACs of this system, the fastest first.
 *
 * @module
 */
import type { HmacProvider } from "../../crypto/legacy_digest.ts";
import { nodeHmac } from "./node_hmac.ts";
import { opensslHmac } from "./openssl_hmac.ts";

/**
 * Those that there are; what is not asked for is not loaded.
 *
 * @param wanted `auto`, or the name of the only one.
 */
export function* systemHmacs(wanted: string): Generator<HmacProvider> {
  const native = (): HmacProvider => nodeHmac;
  // Bun's own is as fast as the calls of libcrypto; Deno's is not.
  const all = "Deno" in globalThis ? [openSsl, native] : [native, openSsl];
  for (const find of all) {
    const hmac = find();
    if (hmac && ["auto", hmac.name].includes(wanted)) yield hmac;
  }
}

/** `undefined` where it is missing, or not permitted. */
function openSsl(): HmacProvider | undefined {
  try {
    return opensslHmac();
  } catch {
    return undefined;
  }
}
