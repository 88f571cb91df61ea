/**
 * The interface between the protocol and the providers of AEAD ciphers.
 *
 * A provider makes one {@link Aead} per session and direction. It keeps the
 * expanded key, so that no chunk has to expand it. The portable core has one
 * provider, `noble.ts`, which is the reference for all others.
 *
 * @module
 */
import { deriveSubkey } from "./subkey.ts";
import type { AeadMethod } from "./method.ts";

/**
 * One key, for one session and one direction: either `seal` or `open` is
 * called, not both.
 *
 * This protocol family has no associated data.
 */
export interface Aead {
  /**
   * Encrypts and authenticates.
   *
   * @param nonce The method's nonce length in bytes; each nonce is used once.
   * @param plaintext Borrowed.
   * @param out Receives ciphertext and tag: `plaintext.length + 16` bytes.
   */
  seal(nonce: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void;
  /**
   * Verifies and decrypts.
   *
   * @param nonce The method's nonce length in bytes.
   * @param sealed Ciphertext and tag, borrowed; at least 16 bytes.
   * @param out Receives the plaintext: `sealed.length - 16` bytes. May be the
   * front of `sealed`.
   * @returns `false` if the tag does not verify; the content of `out` is then
   * undefined.
   */
  open(nonce: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean;
  /** Releases the resources of the provider for this key. Idempotent. */
  free(): void;
}

/**
 * Checks the size of an output, for providers.
 *
 * @throws {RangeError} If `out` does not have exactly `length` bytes, which is
 * an error of the caller.
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
  /** Version of the implementation. */
  readonly version: string;
  /** True if the provider supports the algorithm of a method. */
  supports(method: AeadMethod): boolean;
  /**
   * Derives a subkey as `subkey.ts` does, if the provider is faster.
   *
   * @param masterKey The method's key length in bytes.
   * @param salt The same number of bytes.
   */
  deriveSubkey?(masterKey: Uint8Array, salt: Uint8Array): Uint8Array;
  /**
   * Makes the AEAD of one session and direction.
   *
   * @param subkey The method's key length in bytes; the AEAD owns it, and
   * clears it at `free()` or before.
   */
  aead(method: AeadMethod, subkey: Uint8Array): Aead;
}

/**
 * A method with its master key, which both ends share.
 *
 * Security: the key is private to the object, so that no log, `JSON.stringify`
 * or inspection shows it.
 */
export class MasterKey {
  /** The method of the key. */
  readonly method: AeadMethod;
  readonly #key: Uint8Array;
  readonly #provider: AeadProvider;

  /**
   * Combines a key and its method.
   *
   * @param method Defines every size.
   * @param key The method's key length in bytes; copied.
   * @param provider Computes the cipher.
   * @throws {RangeError} If the key has another length.
   */
  constructor(method: AeadMethod, key: Uint8Array, provider: AeadProvider) {
    checkKeyLength(method, key);
    this.method = method;
    this.#key = key.slice();
    this.#provider = provider;
  }

  /**
   * Makes the AEAD of the session that starts with this salt.
   *
   * @param salt The method's salt length in bytes; borrowed.
   */
  sessionAead(salt: Uint8Array): Aead {
    return this.#provider.aead(this.method, this.subkey(salt));
  }

  /**
   * Derives the key of one session and direction.
   *
   * @param salt The method's salt length in bytes; borrowed.
   */
  protected subkey(salt: Uint8Array): Uint8Array {
    return this.#provider.deriveSubkey?.(this.#key, salt) ??
      deriveSubkey(this.#key, salt);
  }
}

/** @throws {RangeError} If a key does not have the length of its method. */
export function checkKeyLength(
  { name, keyLength }: { readonly name: string; readonly keyLength: number },
  key: Uint8Array,
): void {
  if (key.length === keyLength) return;
  throw new RangeError(
    `Cannot use key: got ${key.length} bytes, ${name} needs ${keyLength}`,
  );
}
