/**
 * The choice of an AEAD provider for each method.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { MAX_CHUNK_PAYLOAD, TAG_LENGTH } from "../limits.ts";
import type { RandomBytes } from "../random.ts";
import type { Aead, AeadProvider } from "./aead.ts";
import { Choice, measureSpeed, type Trial } from "./choice.ts";
import type { AeadMethod } from "./method.ts";
import { findFault, makeSamples } from "./provider_check.ts";

/** The result of testing one provider with one method. */
export type ProviderTrial = Trial<AeadMethod, AeadProvider>;

/** Makes AEADs with the provider chosen for the method. */
export class ProviderChoice extends Choice<AeadMethod, AeadProvider>
  implements AeadProvider {
  readonly name = "auto";
  readonly version = "1";
  /** The function of the first chosen provider that has one. */
  deriveSubkey?: NonNullable<AeadProvider["deriveSubkey"]>;

  /**
   * Chooses a provider for each method of the trials.
   *
   * @param trials See {@link Choice.add}.
   */
  constructor(trials: readonly ProviderTrial[]) {
    // The fields of this class exist only after `super()`.
    super([], LEAD);
    this.add(trials);
  }

  /** See {@link Choice.add}. */
  override add(trials: readonly ProviderTrial[]): void {
    super.add(trials);
    for (const { deriveSubkey } of this.everyChosen) {
      if (deriveSubkey !== undefined) this.deriveSubkey ??= deriveSubkey;
    }
  }

  supports(method: AeadMethod): boolean {
    return this.chosen(method) !== undefined;
  }

  /** Returns MiB per second of the provider of a method; 0 if there is none. */
  speed(method: AeadMethod): number {
    const provider = this.chosen(method);
    const trial = this.trials.find((one) =>
      one.method === method && one.provider === provider
    );
    return trial?.speed ?? 0;
  }

  /**
   * Makes an AEAD with the provider chosen for the method.
   *
   * @throws {RangeError} If no provider supports the method.
   */
  aead(method: AeadMethod, subkey: Uint8Array): Aead {
    const provider = this.chosen(method);
    if (provider === undefined) {
      throw new RangeError(`Cannot seal: no provider serves ${method.name}`);
    }
    return provider.aead(method, subkey);
  }
}

/**
 * Tests and measures providers.
 *
 * Time: a few milliseconds for each pair.
 *
 * @param providers The available providers that are permitted. Of two that are
 * nearly as fast, {@link ProviderChoice} chooses the later one.
 * @param methods The methods that will be used.
 */
export function tryProviders(
  providers: readonly AeadProvider[],
  methods: readonly AeadMethod[],
  { clock, randomBytes }: { clock: Clock; randomBytes: RandomBytes },
): ProviderTrial[] {
  return methods.flatMap((method) => {
    const able = providers.filter((provider) => provider.supports(method));
    if (able.length === 0) return [];
    const samples = makeSamples(method, randomBytes);
    const first: ProviderTrial[] = able.map((provider) => {
      const fault = findFault(provider, method, randomBytes, samples);
      return fault === undefined
        ? { method, provider, speed: measure(provider, method, clock) }
        : { method, provider, fault, speed: 0 };
    });
    // By the second time, the runtime has compiled what the first one called.
    return first.map((trial) =>
      trial.fault === undefined
        ? {
          ...trial,
          speed: Math.max(trial.speed, measure(trial.provider, method, clock)),
        }
        : trial
    );
  });
}

/**
 * Measures a new session that seals four short chunks and a full one. With full
 * chunks only, a provider could win that makes every short connection slow.
 */
function measure(
  provider: AeadProvider,
  method: AeadMethod,
  clock: Clock,
): number {
  const key = new Uint8Array(method.keyLength);
  const nonce = new Uint8Array(method.nonceLength);
  const units = CHUNKS.flatMap((length) => [2, length]).map((length) => ({
    plaintext: new Uint8Array(length),
    sealed: new Uint8Array(length + TAG_LENGTH),
  }));
  return measureSpeed(
    () => {
      const aead = provider.aead(method, key);
      try {
        for (const { plaintext, sealed } of units) {
          aead.seal(nonce, plaintext, sealed);
        }
      } finally {
        aead.free();
      }
    },
    CHUNKS.reduce((total, length) => total + length, 0),
    clock,
  );
}

/**
 * See {@link Choice}. On a busy machine, the speeds of two similar providers
 * may be measured in any order. The later one of these, libcrypto, is chosen.
 */
const LEAD = 1.5;

/** Payloads in bytes: of small requests and answers, and of a download. */
const CHUNKS = [128, 128, 128, 128, MAX_CHUNK_PAYLOAD];
