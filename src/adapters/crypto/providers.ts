/**
 * The crypto providers of this system.
 *
 * @module
 */
import { systemClock } from "../../clock.ts";
import type { AeadProvider } from "../../crypto/aead.ts";
import type { KeyStreamProvider } from "../../crypto/key_stream.ts";
import {
  KeyStreamChoice,
  tryKeyStreams,
} from "../../crypto/key_stream_choice.ts";
import { referenceKeyStreams } from "../../crypto/key_streams/reference.ts";
import type { Method } from "../../crypto/method.ts";
import { findStreamMethod } from "../../crypto/stream_methods.ts";
import { nobleProvider } from "../../crypto/noble.ts";
import { ProviderChoice, tryProviders } from "../../crypto/provider_choice.ts";
import { systemRandomBytes } from "../../random.ts";
import { nodeCryptoProvider } from "./node_crypto.ts";
import { nodeKeyStreams } from "./node_key_streams.ts";
import { opensslProvider } from "./openssl.ts";
import { opensslKeyStreams } from "./openssl_key_streams.ts";

/** A provider, or the reason why it is missing. */
export type ProviderResult<P = AeadProvider> =
  | { readonly provider: P }
  | { readonly name: string; readonly reason: string };

/** The providers of both kinds of methods; a dependency of services. */
export interface CipherChoice {
  /** The provider of AEAD methods. */
  readonly aeadProvider: ProviderChoice;
  /** The provider of stream ciphers. */
  readonly keyStreamProvider: KeyStreamChoice;
}

/** Chooses for each method the fastest provider that passes the self-test. */
export function chooseProviders(methods: readonly Method[]): CipherChoice {
  const system = { clock: systemClock, randomBytes: systemRandomBytes };
  const aead = methods.flatMap((method) =>
    "ivLength" in method ? [] : [method]
  );
  const stream = new Set(
    methods.flatMap((method) =>
      "ivLength" in method ? findStreamMethod(method.name) ?? [] : []
    ),
  );
  const keyStreams = stream.size > 0 ? present(systemKeyStreams()) : [];
  return {
    aeadProvider: new ProviderChoice(
      tryProviders(present(systemProviders()), aead, system),
    ),
    keyStreamProvider: new KeyStreamChoice(
      tryKeyStreams(keyStreams, [...stream], system),
    ),
  };
}

/** Returns the available providers. */
export function present<P>(found: readonly ProviderResult<P>[]): P[] {
  return found.flatMap((one) => "provider" in one ? [one.provider] : []);
}

/**
 * Returns all AEAD providers. The first is the reference; of two that are
 * nearly as fast, the later one is chosen.
 */
export function systemProviders(): ProviderResult[] {
  return [
    { provider: nobleProvider },
    { provider: nodeCryptoProvider() },
    openssl(opensslProvider),
  ];
}

/** Returns all key stream providers; the first is the reference. */
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
