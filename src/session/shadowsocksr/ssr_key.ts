/**
 * The key of a ShadowsocksR port, and the stream cipher under it.
 *
 * @module
 */
import type {
  KeyStreamMethod,
  KeyStreamProvider,
} from "../../crypto/key_stream.ts";
import { MD5 } from "../../crypto/legacy_digest.ts";
import { StreamKey } from "../../crypto/stream_key.ts";

/** A method with its key: everything both ends of a port must share. */
export class SsrKey {
  /** The stream cipher of both directions. */
  readonly stream: StreamKey;
  readonly #key: Uint8Array;

  /**
   * Binds a key to its method.
   *
   * @param method As `ssrMethod()` makes it.
   * @param key The method's key length in bytes; copied.
   * @param provider Computes the cipher.
   * @throws {RangeError} When the key has another length.
   */
  constructor(
    method: KeyStreamMethod,
    key: Uint8Array,
    provider: KeyStreamProvider,
  ) {
    this.#key = key.slice();
    // Its table comes from the key, not from the password as elsewhere.
    const cipherKey = method.algorithm === "table" ? MD5.hash(key) : key;
    this.stream = new StreamKey(method, cipherKey, provider);
  }

  /** The key of the layers; borrowed, and for them only. */
  bytes(): Uint8Array {
    return this.#key;
  }
}
