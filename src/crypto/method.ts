/**
 * The supported methods (cipher suites) and their sizes.
 *
 * Source: Shadowsocks AEAD ciphers (SIP004, SIP007), "Standardized" table;
 * SIP022 §2.1. Does not: contain an implementation; see `aead.ts`.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { AEAD_2017, AEAD_2022, type Family, type UserKind } from "./family.ts";
import { findStreamMethod, type StreamMethod } from "./stream_methods.ts";

/** AEAD algorithms of the methods; the key length selects the AES variant. */
export type AeadAlgorithm =
  | "aes-gcm"
  | "chacha20-poly1305"
  | "xchacha20-poly1305";

/** A method that authenticates. Every tag has 16 bytes. */
export interface AeadMethod {
  /** Name in configurations and `ss://` URIs. */
  readonly name: string;
  /** Defines keys, headers and chunk sizes. */
  readonly family: Family;
  /** The way in which a server distinguishes its users. */
  readonly userKind: UserKind;
  /** The algorithm of its chunks. */
  readonly algorithm: AeadAlgorithm;
  /** Bytes of the master key and of every subkey. */
  readonly keyLength: number;
  /** Bytes of the salt before a stream or packet. */
  readonly saltLength: number;
  /** Bytes of the nonce. */
  readonly nonceLength: number;
}

/** Any method. */
export type Method = AeadMethod | StreamMethod;

/**
 * The methods that authenticate; the preferred one of each family comes first.
 */
export const METHODS: readonly AeadMethod[] = [
  aead2017("chacha20-ietf-poly1305", "chacha20-poly1305", 32, 12),
  aead2017("aes-256-gcm", "aes-gcm", 32, 12),
  aead2017("aes-192-gcm", "aes-gcm", 24, 12),
  aead2017("aes-128-gcm", "aes-gcm", 16, 12),
  aead2017("xchacha20-ietf-poly1305", "xchacha20-poly1305", 32, 24),
  aead2022("2022-blake3-aes-256-gcm", "aes-gcm", 32),
  aead2022("2022-blake3-aes-128-gcm", "aes-gcm", 16),
  aead2022("2022-blake3-chacha20-poly1305", "chacha20-poly1305", 32),
];

/** Options of {@link findMethod}, and of its error message. */
export interface FindOptions {
  /**
   * True if stream ciphers are accepted, which do not protect against changes.
   * Default: false.
   */
  readonly allowLegacy?: boolean;
  /**
   * The text that represents an unknown name in the message, if the name is
   * secret. Default: the name.
   */
  readonly shown?: string;
}

/**
 * Finds a method that authenticates by its name, in any letter case.
 *
 * @throws {ConfigError} `ERR_SS_METHOD_UNSUPPORTED`; the message lists all
 * methods that authenticate.
 */
export function findMethod(
  name: string,
  options?: FindOptions & { readonly allowLegacy?: false },
): AeadMethod;
/**
 * Finds any method by its name.
 *
 * @throws {ConfigError} `ERR_SS_METHOD_UNSUPPORTED`, as above.
 */
export function findMethod(name: string, options: FindOptions): Method;
export function findMethod(
  name: string,
  { allowLegacy = false, shown = JSON.stringify(name) }: FindOptions = {},
): Method {
  const wanted = name.toLowerCase();
  const method = METHODS.find((method) => method.name === wanted);
  if (method !== undefined) return method;
  const legacy = findStreamMethod(wanted);
  const renamed = OTHER_NAMES.get(wanted);
  if (legacy !== undefined && allowLegacy) return legacy;
  throw new ConfigError(
    "ERR_SS_METHOD_UNSUPPORTED",
    (legacy !== undefined
      ? `Method ${
        JSON.stringify(name)
      } does not protect what it carries from changes, ` +
        "and is not served"
      : renamed !== undefined
      ? `Method ${wanted} is called ${renamed} here`
      : `Unknown method ${shown}`) +
      `: expected one of ${METHODS.map((method) => method.name).join(", ")}`,
  );
}

/** Names of the methods in other programs. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ["chacha20-poly1305", "chacha20-ietf-poly1305"],
  ["xchacha20-poly1305", "xchacha20-ietf-poly1305"],
  ["aead_chacha20_poly1305", "chacha20-ietf-poly1305"],
  ["aead_aes_256_gcm", "aes-256-gcm"],
  ["aead_aes_128_gcm", "aes-128-gcm"],
  ["2022-blake3-chacha20-ietf-poly1305", "2022-blake3-chacha20-poly1305"],
]);

/**
 * Returns the method as an AEAD method, for code that supports no other.
 *
 * @throws {TypeError} If it is a stream cipher.
 */
export function asAead(method: Method): AeadMethod {
  if ("nonceLength" in method) return method;
  throw new TypeError(`Cannot seal with ${method.name}: it is not an AEAD`);
}

/**
 * Returns the method as a stream cipher, for code that supports no other.
 *
 * @throws {TypeError} If it is an AEAD method.
 */
export function asStreamCipher(method: Method): StreamMethod {
  if ("ivLength" in method) return method;
  throw new TypeError(`Cannot encrypt with ${method.name}: it is an AEAD`);
}

function aead2017(
  name: string,
  algorithm: AeadAlgorithm,
  keyLength: number,
  nonceLength: number,
): AeadMethod {
  const saltLength = keyLength;
  return {
    name,
    family: AEAD_2017,
    userKind: "trial",
    algorithm,
    keyLength,
    saltLength,
    nonceLength,
  };
}

function aead2022(
  name: string,
  algorithm: AeadAlgorithm,
  keyLength: number,
): AeadMethod {
  return {
    ...aead2017(name, algorithm, keyLength, 12),
    family: AEAD_2022,
    // SIP023 defines identity headers for the AES methods alone.
    userKind: algorithm === "aes-gcm" ? "identity" : "none",
  };
}
