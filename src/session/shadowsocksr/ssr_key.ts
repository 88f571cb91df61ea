/**
 * The key of a ShadowsocksR port, with its stream cipher.
 *
 * @module
 */
import type {
  KeyStreamMethod,
  KeyStreamProvider,
} from "../../crypto/key_stream.ts";
import { MD5 } from "../../crypto/legacy_digest.ts";
import { StreamKey } from "../../crypto/stream_key.ts";

/** A method with its key, which both ends of a port share. */
export class SsrKey {
  /** The stream cipher of both directions. */
  readonly stream: StreamKey;
  readonly #key: Uint8Array;

  /**
   * Binds a key to its method.
   *
   * @param method A method that `ssrMethod()` made.
   * @param key Its length is the method's key length; copied.
   * @param provider Computes the cipher.
   * @throws {RangeError} If the key has another length.
   */
  constructor(
    method: KeyStreamMethod,
    key: Uint8Array,
    provider: KeyStreamProvider,
  ) {
    this.#key = key.slice();
    // The table is derived from the key here, not from the password.
    const cipherKey = method.algorithm === "table" ? MD5.hash(key) : key;
    this.stream = new StreamKey(method, cipherKey, provider);
  }

  /** Returns the key for the layers; borrowed. */
  bytes(): Uint8Array {
    return this.#key;
  }
}
