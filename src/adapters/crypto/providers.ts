/**
 * The crypto providers of this system.
 *
 * @module
 */
import type { AeadProvider } from "../../crypto/aead.ts";
import { nobleProvider } from "../../crypto/noble.ts";
import { nodeCryptoProvider } from "./node_crypto.ts";
import { opensslProvider } from "./openssl.ts";

/** A provider, or why there is none. */
export type ProviderResult =
  | { readonly provider: AeadProvider }
  | { readonly name: string; readonly reason: string };

/** Every provider, the reference first. */
export function systemProviders(): ProviderResult[] {
  return [
    { provider: nobleProvider },
    { provider: nodeCryptoProvider() },
    openssl(),
  ];
}

function openssl(): ProviderResult {
  try {
    return { provider: opensslProvider() };
  } catch (error) {
    return { name: "openssl", reason: (error as Error).message };
  }
}
