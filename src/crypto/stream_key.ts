/**
 * A method of before 2017 with its key, which both ends share.
 *
 * @module
 */
import type {
  KeyStream,
  KeyStreamDirection,
  KeyStreamMethod,
  KeyStreamProvider,
} from "./key_stream.ts";
import { checkKeyLength } from "./aead.ts";

/**
 * A stream cipher method with its key.
 *
 * Security: the key is private to the object, so that no log, `JSON.stringify`
 * or inspection shows it.
 */
export class StreamKey {
  /** The method of the key. */
  readonly method: KeyStreamMethod;
  readonly #key: Uint8Array;
  readonly #provider: KeyStreamProvider;

  /**
   * Combines a key and its method.
   *
   * @param method Defines every size.
   * @param key The method's key length in bytes; copied.
   * @param provider Computes the key streams.
   * @throws {RangeError} If the key has another length.
   */
  constructor(
    method: KeyStreamMethod,
    key: Uint8Array,
    provider: KeyStreamProvider,
  ) {
    checkKeyLength(method, key);
    this.method = method;
    this.#key = key.slice();
    this.#provider = provider;
  }

  /**
   * Starts one direction of a stream, or a packet.
   *
   * @param iv The method's IV length in bytes; borrowed.
   */
  keyStream(iv: Uint8Array, direction: KeyStreamDirection): KeyStream {
    return this.#provider.keyStream(this.method, this.#key, iv, direction);
  }
}
