/**
 * The seam between the stream ciphers and their provider: beside
 * `aead.ts`, for methods of before 2017.
 *
 * A provider makes one {@link KeyStream} for each direction of a stream, and
 * for each packet. `key_streams/reference.ts` is the portable provider; it has
 * no Camellia, Blowfish, CAST5, DES, IDEA, RC2 and SEED.
 *
 * Security: nothing here authenticates. Anyone who changes a byte on its way
 * changes what is read, and neither end notices.
 *
 * @module
 */
import { PolicyError } from "../errors.ts";
import { MAX_ARX_BLOCKS } from "../limits.ts";

/** Stream ciphers behind the methods; the key length picks the variant. */
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

/** The facts about a method that a provider needs. */
export interface KeyStreamMethod {
  /** Name in configurations and messages. */
  readonly name: string;
  /** The algorithm of its bytes. */
  readonly algorithm: KeyStreamAlgorithm;
  /** Bytes of the key. */
  readonly keyLength: number;
  /** Bytes of the IV in front of a stream or packet; 0: it has none. */
  readonly ivLength: number;
}

/** Which way bytes are turned; CFB and `table` have two ways. */
export type KeyStreamDirection = "encrypt" | "decrypt";

/** One direction of one stream, or one packet; it keeps its position. */
export interface KeyStream {
  /**
   * Turns the next bytes of the stream.
   *
   * @param input Borrowed.
   * @param out Receives as many bytes; may be `input` itself, but must not
   * share only a part of its memory.
   * @throws {RangeError} When `out` has another length.
   * @throws {PolicyError} `ERR_POLICY_LIMIT` when the cipher's counter has come
   * to its end.
   */
  apply(input: Uint8Array, out: Uint8Array): void;
  /** Gives back what the provider holds; nothing is turned after it. Idempotent. */
  free(): void;
}

/** A source of {@link KeyStream}s. */
export interface KeyStreamProvider {
  /** Name in logs and options. */
  readonly name: string;
  /** Version of what computes. */
  readonly version: string;
  /**
   * Tells why the provider cannot compute a method.
   *
   * @returns For the operator; `undefined` when it can.
   */
  lacks(method: KeyStreamMethod): string | undefined;
  /**
   * Starts one direction of a stream.
   *
   * @param method One that the provider does not lack.
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
 * For providers: bytes that one key stream may turn before its counter would
 * begin again.
 */
export function maxStreamBytes({ algorithm }: KeyStreamMethod): number {
  return algorithm === "chacha20-ietf" ? MAX_ARX_BLOCKS * 64 : Infinity;
}

/** The error of a stream that is longer than its counter, for providers. */
export function counterEnded(): PolicyError {
  return new PolicyError(
    "ERR_POLICY_LIMIT",
    "Cannot go on: the counter of a stream cipher is over after 256 GiB",
  );
}
