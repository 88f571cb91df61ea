/**
 * The interface between the stream ciphers (methods of before 2017) and their
 * providers; see `aead.ts` for AEAD ciphers.
 *
 * A provider makes one {@link KeyStream} for each direction of a stream, and
 * for each packet. `key_streams/reference.ts` is the portable provider; it has
 * no Camellia, Blowfish, CAST5, DES, IDEA, RC2 and SEED.
 *
 * Security: nothing is authenticated. An attacker on the path can change the
 * plaintext, and neither end detects it.
 *
 * @module
 */
import { PolicyError } from "../errors.ts";
import { MAX_ARX_BLOCKS } from "../limits.ts";

/** The algorithms of the methods; the key length selects the variant. */
export type KeyStreamAlgorithm =
  | "aes-cfb"
  | "aes-ctr"
  | "aes-ofb"
  | "aes-cfb8"
  | "aes-cfb1"
  | "camellia-cfb"
  | "bf-cfb"
  | "cast5-cfb"
  | "des-cfb"
  | "idea-cfb"
  | "rc2-cfb"
  | "seed-cfb"
  | "rc4"
  | "rc4-md5"
  | "salsa20"
  | "chacha20"
  | "chacha20-ietf"
  | "xchacha20"
  | "xsalsa20"
  | "table"
  | "none";

/** The properties of a method that a provider needs. */
export interface KeyStreamMethod {
  /** Name in configurations and messages. */
  readonly name: string;
  /** The cipher algorithm. */
  readonly algorithm: KeyStreamAlgorithm;
  /** Bytes of the key. */
  readonly keyLength: number;
  /** Bytes of the IV before a stream or packet; 0: none. */
  readonly ivLength: number;
}

/** The direction of the conversion; it matters for CFB and `table`. */
export type KeyStreamDirection = "encrypt" | "decrypt";

/** One direction of one stream, or one packet; it keeps its position. */
export interface KeyStream {
  /**
   * Encrypts or decrypts the next bytes of the stream.
   *
   * @param input Borrowed.
   * @param out Receives the same number of bytes. It may be `input` itself, but
   * must not overlap it partly.
   * @throws {RangeError} If `out` has another length.
   * @throws {PolicyError} `ERR_POLICY_LIMIT` if the cipher's counter is
   * exhausted.
   */
  apply(input: Uint8Array, out: Uint8Array): void;
  /**
   * Releases the resources of the provider. It must not be used afterwards.
   * Idempotent.
   */
  free(): void;
}

/** A source of {@link KeyStream}s. */
export interface KeyStreamProvider {
  /** Name in logs and options. */
  readonly name: string;
  /** Version of the implementation. */
  readonly version: string;
  /**
   * Checks whether the provider supports a method.
   *
   * @returns The reason for the operator if it does not; `undefined` if it
   * does.
   */
  lacks(method: KeyStreamMethod): string | undefined;
  /**
   * Starts one direction of a stream.
   *
   * @param method A method that the provider supports.
   * @param key The method's key length in bytes; copied.
   * @param iv The method's IV length in bytes; copied.
   */
  keyStream(
    method: KeyStreamMethod,
    key: Uint8Array,
    iv: Uint8Array,
    direction: KeyStreamDirection,
  ): KeyStream;
}

/**
 * Returns the bytes that one key stream may process before its counter would
 * wrap, for providers.
 */
export function maxStreamBytes({ algorithm }: KeyStreamMethod): number {
  return algorithm === "chacha20-ietf" ? MAX_ARX_BLOCKS * 64 : Infinity;
}

/** Makes the error of a stream that exceeds its counter, for providers. */
export function counterEnded(): PolicyError {
  return new PolicyError(
    "ERR_POLICY_LIMIT",
    "Cannot continue: the counter of the stream cipher is exhausted after 256 GiB",
  );
}
