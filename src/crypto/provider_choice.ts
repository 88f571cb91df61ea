/**
 * Which provider serves which method.
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

/** The result of the trial of one provider with one method. */
export type ProviderTrial = Trial<AeadMethod, AeadProvider>;

/** Serves each method by the provider chosen for it. */
export class ProviderChoice extends Choice<AeadMethod, AeadProvider>
  implements AeadProvider {
  readonly name = "auto";
  readonly version = "1";
  /** The first provider's that is chosen for anything and has its own. */
  deriveSubkey?: NonNullable<AeadProvider["deriveSubkey"]>;

  /**
   * Chooses.
   *
   * @param trials See {@link Choice.add}.
   */
  constructor(trials: readonly ProviderTrial[]) {
    // Its own fields are there only after this.
    super([]);
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

  /** MiB per second of the provider of a method; 0 when there is none. */
  speed(method: AeadMethod): number {
    const provider = this.chosen(method);
    const trial = this.trials.find((one) =>
      one.method === method && one.provider === provider
    );
    return trial?.speed ?? 0;
  }

  /**
   * Makes an AEAD, by the provider chosen for the method.
   *
   * @throws {RangeError} When no provider serves the method.
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
 * Checks and measures providers.
 *
 * Time: a few milliseconds for each pair.
 *
 * @param providers Those that are present and permitted.
 * @param methods Those that will be used.
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
    return able.map((provider) => {
      const fault = findFault(provider, method, randomBytes, samples);
      return fault === undefined
        ? { method, provider, speed: measure(provider, method, clock) }
        : { method, provider, fault, speed: 0 };
    });
  });
}

function measure(
  provider: AeadProvider,
  method: AeadMethod,
  clock: Clock,
): number {
  const aead = provider.aead(method, new Uint8Array(method.keyLength));
  const nonce = new Uint8Array(method.nonceLength);
  const payload = new Uint8Array(MAX_CHUNK_PAYLOAD);
  const sealed = new Uint8Array(MAX_CHUNK_PAYLOAD + TAG_LENGTH);
  const length = new Uint8Array(2);
  const sealedLength = new Uint8Array(2 + TAG_LENGTH);
  try {
    return measureSpeed(
      () => {
        aead.seal(nonce, length, sealedLength);
        aead.seal(nonce, payload, sealed);
      },
      MAX_CHUNK_PAYLOAD,
      clock,
    );
  } finally {
    aead.free();
  }
}
