/**
 * The crypto providers of this system.
 *
 * @module
 */
import { systemClock } from "../../clock.ts";
import type { AeadProvider } from "../../crypto/aead.ts";
import type { Method } from "../../crypto/method.ts";
import { nobleProvider } from "../../crypto/noble.ts";
import { ProviderChoice, tryProviders } from "../../crypto/provider_choice.ts";
import { systemRandomBytes } from "../../random.ts";
import { nodeCryptoProvider } from "./node_crypto.ts";
import { opensslProvider } from "./openssl.ts";

/** A provider, or why there is none. */
export type ProviderResult =
  | { readonly provider: AeadProvider }
  | { readonly name: string; readonly reason: string };

/** Computes each of these methods by the fastest provider that proves itself. */
export function chooseProviders(methods: readonly Method[]): ProviderChoice {
  const present = systemProviders().flatMap((one) =>
    "provider" in one ? [one.provider] : []
  );
  return new ProviderChoice(
    tryProviders(present, methods, {
      clock: systemClock,
      randomBytes: systemRandomBytes,
    }),
  );
}

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
