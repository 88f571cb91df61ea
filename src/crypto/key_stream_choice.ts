/**
 * The choice of a key stream provider for each method.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { RandomBytes } from "../random.ts";
import { Choice, measureSpeed, type Trial } from "./choice.ts";
import type {
  KeyStream,
  KeyStreamDirection,
  KeyStreamMethod,
  KeyStreamProvider,
} from "./key_stream.ts";
import { findKeyStreamFault } from "./key_stream_check.ts";

/** The result of testing one provider with one method. */
export type KeyStreamTrial = Trial<KeyStreamMethod, KeyStreamProvider>;

/** Makes key streams with the provider chosen for the method. */
export class KeyStreamChoice extends Choice<KeyStreamMethod, KeyStreamProvider>
  implements KeyStreamProvider {
  readonly name = "auto";
  readonly version = "1";

  lacks(method: KeyStreamMethod): string | undefined {
    return this.chosen(method) === undefined
      ? `no provider computes ${method.name}`
      : undefined;
  }

  /**
   * Starts one direction with the provider chosen for the method.
   *
   * @throws {RangeError} If no provider supports the method.
   */
  keyStream(
    method: KeyStreamMethod,
    key: Uint8Array,
    iv: Uint8Array,
    direction: KeyStreamDirection,
  ): KeyStream {
    const provider = this.chosen(method);
    if (provider === undefined) {
      throw new RangeError(
        `Cannot make key stream: no provider computes ${method.name}`,
      );
    }
    return provider.keyStream(method, key, iv, direction);
  }
}

/**
 * Tests and measures providers.
 *
 * Time: a few milliseconds for each pair; AES-CFB1 on Bun takes 100.
 *
 * @param providers The available providers that are permitted.
 * @param methods The methods that will be used.
 */
export function tryKeyStreams(
  providers: readonly KeyStreamProvider[],
  methods: readonly KeyStreamMethod[],
  { clock, randomBytes }: { clock: Clock; randomBytes: RandomBytes },
): KeyStreamTrial[] {
  return methods.flatMap((method) =>
    providers.filter((provider) => provider.lacks(method) === undefined).map(
      (provider) => {
        const fault = findKeyStreamFault(provider, method, randomBytes);
        return fault === undefined
          ? { method, provider, speed: measure(provider, method, clock) }
          : { method, provider, fault, speed: 0 };
      },
    )
  );
}

/** Measures both directions, as a relay uses them. */
function measure(
  provider: KeyStreamProvider,
  method: KeyStreamMethod,
  clock: Clock,
): number {
  const key = new Uint8Array(method.keyLength);
  const iv = new Uint8Array(method.ivLength);
  const text = new Uint8Array(MEASURED_BYTES);
  const out = new Uint8Array(MEASURED_BYTES);
  const encrypt = provider.keyStream(method, key, iv, "encrypt");
  const decrypt = provider.keyStream(method, key, iv, "decrypt");
  try {
    return measureSpeed(
      () => {
        encrypt.apply(text, out);
        decrypt.apply(text, out);
      },
      2 * MEASURED_BYTES,
      clock,
    );
  } finally {
    encrypt.free();
    decrypt.free();
  }
}

/** Bytes of one call. */
const MEASURED_BYTES = 16_384;
