/**
 * Which provider serves which method.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { MAX_CHUNK_PAYLOAD, TAG_LENGTH } from "../limits.ts";
import type { RandomBytes } from "../random.ts";
import type { Aead, AeadProvider } from "./aead.ts";
import type { Method } from "./method.ts";
import { findFault } from "./provider_check.ts";

/** What was found out about one provider and one method. */
export interface ProviderTrial {
  /** The method. */
  readonly method: Method;
  /** Who was tried. */
  readonly provider: AeadProvider;
  /** Why it may not serve the method; not set: it may. */
  readonly fault?: string;
  /** MiB per second sealed in full chunks on one core; rough. 0 with a fault. */
  readonly speed: number;
}

/** Serves each method by the provider chosen for it. */
export class ProviderChoice implements AeadProvider {
  readonly name = "auto";
  readonly version = "1";
  /** The first provider's that is chosen for anything and has its own. */
  deriveSubkey?: NonNullable<AeadProvider["deriveSubkey"]>;
  readonly #trials: ProviderTrial[] = [];
  readonly #chosen = new Map<string, AeadProvider>();

  /**
   * Chooses.
   *
   * @param trials See {@link ProviderChoice.add}.
   */
  constructor(trials: readonly ProviderTrial[]) {
    this.add(trials);
  }

  /** Everything that was tried. */
  get trials(): readonly ProviderTrial[] {
    return this.#trials;
  }

  /**
   * Chooses for methods that were not tried before.
   *
   * @param trials Of each method the fastest without a fault is chosen.
   */
  add(trials: readonly ProviderTrial[]): void {
    this.#trials.push(...trials);
    const best = new Map<string, number>();
    for (const { method, provider, fault, speed } of trials) {
      const known = best.get(method.name) ?? -1;
      if (fault !== undefined || speed <= known) continue;
      best.set(method.name, speed);
      this.#chosen.set(method.name, provider);
    }
    for (const { deriveSubkey } of this.#chosen.values()) {
      if (deriveSubkey !== undefined) this.deriveSubkey ??= deriveSubkey;
    }
  }

  /** Who serves a method; `undefined` when nobody can. */
  chosen(method: Method): AeadProvider | undefined {
    return this.#chosen.get(method.name);
  }

  supports(method: Method): boolean {
    return this.#chosen.has(method.name);
  }

  /** @throws {RangeError} When no provider serves the method. */
  /** By the provider chosen for the method. */
  aead(method: Method, subkey: Uint8Array): Aead {
    const provider = this.#chosen.get(method.name);
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
  methods: readonly Method[],
  { clock, randomBytes }: { clock: Clock; randomBytes: RandomBytes },
): ProviderTrial[] {
  return methods.flatMap((method) =>
    providers.filter((provider) => provider.supports(method)).map(
      (provider) => {
        const fault = findFault(provider, method, randomBytes);
        return fault === undefined
          ? { method, provider, speed: measure(provider, method, clock) }
          : { method, provider, fault, speed: 0 };
      },
    )
  );
}

/** Milliseconds spent on one measurement, about. */
const MEASURE_MS = 3;

/** The best of several rounds: what disturbs a round only makes it slower. */
function measure(
  provider: AeadProvider,
  method: Method,
  clock: Clock,
): number {
  const aead = provider.aead(method, new Uint8Array(method.keyLength));
  const nonce = new Uint8Array(method.nonceLength);
  const payload = new Uint8Array(MAX_CHUNK_PAYLOAD);
  const sealed = new Uint8Array(MAX_CHUNK_PAYLOAD + TAG_LENGTH);
  const length = new Uint8Array(2);
  const sealedLength = new Uint8Array(2 + TAG_LENGTH);
  let best = Infinity;
  try {
    const endMs = clock.monotonicMs() + MEASURE_MS;
    do {
      const startMs = clock.monotonicMs();
      aead.seal(nonce, length, sealedLength);
      aead.seal(nonce, payload, sealed);
      best = Math.min(best, clock.monotonicMs() - startMs);
    } while (clock.monotonicMs() < endMs);
  } finally {
    aead.free();
  }
  return MAX_CHUNK_PAYLOAD / 2 ** 20 / (best / 1000);
}
