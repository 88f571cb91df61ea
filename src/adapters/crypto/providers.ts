/**
 * The crypto providers of this system.
 *
 * @module
 */
import type { AeadProvider } from "../../crypto/aead.ts";
import type { KeyStreamProvider } from "../../crypto/key_stream.ts";
import { referenceKeyStreams } from "../../crypto/key_streams/reference.ts";
import { nobleProvider } from "../../crypto/noble.ts";
import { nodeCryptoProvider } from "./node_crypto.ts";
import { nodeKeyStreams } from "./node_key_streams.ts";
import { opensslProvider } from "./openssl.ts";
import { opensslKeyStreams } from "./openssl_key_streams.ts";

/** A provider, or why there is none. */
export type ProviderResult<P = AeadProvider> =
  | { readonly provider: P }
  | { readonly name: string; readonly reason: string };

/** Every provider, the reference first. */
export function systemProviders(): ProviderResult[] {
  return [
    { provider: nobleProvider },
    { provider: nodeCryptoProvider() },
    openssl(opensslProvider),
  ];
}

/** Every provider of key streams, the reference first. */
export function systemKeyStreams(): ProviderResult<KeyStreamProvider>[] {
  return [
    { provider: referenceKeyStreams },
    { provider: nodeKeyStreams() },
    openssl(opensslKeyStreams),
  ];
}

function openssl<P>(load: () => P): ProviderResult<P> {
  try {
    return { provider: load() };
  } catch (error) {
    return { name: "openssl", reason: (error as Error).message };
  }
}
