/**
 * The seam between the protocol and the provider of the ciphers.
 *
 * A provider makes one {@link Aead} per session and direction; it keeps the
 * key schedule, so that the path of a byte never expands a key. The portable
 * core brings one provider, `noble.ts`, which is the reference for all others.
 *
 * @module
 */
import { deriveSubkey } from "./subkey.ts";
import type { AeadMethod } from "./method.ts";

/**
 * One key, for one session and one direction.
 *
 * There is no associated data anywhere in this protocol family.
 */
export interface Aead {
  /**
   * Encrypts and authenticates.
   *
   * @param nonce The method's nonce length in bytes; never the same twice.
   * @param plaintext Borrowed.
   * @param out Receives ciphertext and tag: `plaintext.length + 16` bytes.
   */
  seal(nonce: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void;
  /**
   * Verifies and decrypts.
   *
   * @param nonce The method's nonce length in bytes.
   * @param sealed Ciphertext and tag, borrowed; at least 16 bytes.
   * @param out Receives the plaintext: `sealed.length - 16` bytes. May be
   * the front of `sealed`.
   * @returns `false` if the tag does not verify; `out` is then undefined.
   */
  open(nonce: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean;
  /** Gives back what the provider holds for this key. Idempotent. */
  free(): void;
}

/**
 * For providers: an output of another size is a defect of the caller.
 *
 * @throws {RangeError} When `out` has not exactly `length` bytes.
 */
export function checkOutput(out: Uint8Array, length: number): void {
  if (out.length !== length) {
    throw new RangeError(
      `Cannot fill output: got ${out.length} bytes, expected ${length}`,
    );
  }
}

/** A source of {@link Aead}s. */
export interface AeadProvider {
  /** Name in logs and options. */
  readonly name: string;
  /** Version of what computes. */
  readonly version: string;
  /** True if it has the algorithm of a method. */
  supports(method: AeadMethod): boolean;
  /**
   * Derives a subkey as `subkey.ts` does, where the provider is faster at it.
   *
   * @param masterKey The method's key length in bytes.
   * @param salt As many bytes.
   */
  deriveSubkey?(masterKey: Uint8Array, salt: Uint8Array): Uint8Array;
  /**
   * Makes the AEAD of one session and direction.
   *
   * @param subkey The method's key length in bytes; kept, cleared by `free()`.
   */
  aead(method: AeadMethod, subkey: Uint8Array): Aead;
}

/**
 * A method with its master key: everything both ends must share.
 *
 * Security: the key is private to the object, so that no log, `JSON.stringify`
 * or inspection shows it.
 */
export class MasterKey {
  /** The method the key belongs to. */
  readonly method: AeadMethod;
  readonly #key: Uint8Array;
  readonly #provider: AeadProvider;

  /**
   * Binds a key to its method.
   *
   * @param method Decides every size.
   * @param key The method's key length in bytes; copied.
   * @param provider Computes the cipher.
   * @throws {RangeError} When the key has another length.
   */
  constructor(method: AeadMethod, key: Uint8Array, provider: AeadProvider) {
    if (key.length !== method.keyLength) {
      throw new RangeError(
        `Cannot use key: got ${key.length} bytes, ${method.name} needs ${method.keyLength}`,
      );
    }
    this.method = method;
    this.#key = key.slice();
    this.#provider = provider;
  }

  /**
   * The AEAD of the session that starts with this salt.
   *
   * @param salt The method's salt length in bytes; borrowed.
   */
  sessionAead(salt: Uint8Array): Aead {
    return this.#provider.aead(this.method, this.subkey(salt));
  }

  /**
   * The key of one session and direction.
   *
   * @param salt The method's salt length in bytes; borrowed.
   */
  protected subkey(salt: Uint8Array): Uint8Array {
    return this.#provider.deriveSubkey?.(this.#key, salt) ??
      deriveSubkey(this.#key, salt);
  }
}
