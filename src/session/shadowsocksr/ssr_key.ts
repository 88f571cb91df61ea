/**
 * The key of a ShadowsocksR port, and the stream cipher under it.
 *
 * @module
 */
import type {
  KeyStream,
  KeyStreamDirection,
  KeyStreamMethod,
  KeyStreamProvider,
} from "../../crypto/key_stream.ts";
import { MD5 } from "../../crypto/legacy_digest.ts";

/** Bytes of the key of `none`: the protocols need one. */
const NONE_KEY_LENGTH = 16;

/** Bytes of a method's key as ShadowsocksR counts them. */
export function ssrKeyLength({ keyLength }: KeyStreamMethod): number {
  return keyLength === 0 ? NONE_KEY_LENGTH : keyLength;
}

/**
 * A method with its key.
 *
 * Security: the cipher's key is private to the object; `key` must be handed to
 * the layers, and to nothing else.
 */
export class SsrKey {
  /** Stream cipher of both directions. */
  readonly method: KeyStreamMethod;
  /** What the layers authenticate with. */
  readonly key: Uint8Array;
  readonly #cipherKey: Uint8Array;
  readonly #provider: KeyStreamProvider;

  /**
   * Binds a key to its method.
   *
   * @param key {@link ssrKeyLength} bytes; copied.
   * @param provider Computes the cipher.
   * @throws {RangeError} When the key has another length.
   */
  constructor(
    method: KeyStreamMethod,
    key: Uint8Array,
    provider: KeyStreamProvider,
  ) {
    if (key.length !== ssrKeyLength(method)) {
      throw new RangeError(
        `Cannot use key: got ${key.length} bytes, ShadowsocksR with ` +
          `${method.name} needs ${ssrKeyLength(method)}`,
      );
    }
    this.method = method;
    this.key = key.slice();
    // Its table comes from the key, not from the password as elsewhere.
    this.#cipherKey = method.algorithm === "table"
      ? MD5.hash(key)
      : key.slice(0, method.keyLength);
    this.#provider = provider;
  }

  /** Starts one direction of a stream, or one packet. */
  keyStream(iv: Uint8Array, direction: KeyStreamDirection): KeyStream {
    return this.#provider.keyStream(
      this.method,
      this.#cipherKey,
      iv,
      direction,
    );
  }
}
