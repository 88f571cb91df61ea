/**
 * The methods (cipher suites) we implement, and their sizes.
 *
 * Source: Shadowsocks AEAD ciphers (SIP004, SIP007), "Standardized" table;
 * SIP022 §2.1.
 * Does not: hold any implementation; see `aead.ts`.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { AEAD_2017, AEAD_2022, type Family } from "./family.ts";

/** AEAD algorithms behind the methods; the key length picks the AES variant. */
export type AeadAlgorithm =
  | "aes-gcm"
  | "chacha20-poly1305"
  | "xchacha20-poly1305";

/**
 * How a server tells users of one port apart: not at all, by trying each key,
 * or by the identity header of SIP023.
 */
export type UserKind = "none" | "trial" | "identity";

/** One method. Every tag is 16 bytes. */
export interface Method {
  /** Name in configurations and `ss://` URIs. */
  readonly name: string;
  /** Decides keys, headers and chunk sizes. */
  readonly family: Family;
  /** How a server tells its users apart. */
  readonly userKind: UserKind;
  /** What seals its chunks. */
  readonly algorithm: AeadAlgorithm;
  /** Bytes of the master key and of every subkey. */
  readonly keyLength: number;
  /** Bytes of the salt in front of a stream or packet. */
  readonly saltLength: number;
  /** Bytes of the nonce. */
  readonly nonceLength: number;
}

/** All methods, in each family the one to prefer first. */
export const METHODS: readonly Method[] = [
  aead2017("chacha20-ietf-poly1305", "chacha20-poly1305", 32, 12),
  aead2017("aes-256-gcm", "aes-gcm", 32, 12),
  aead2017("aes-192-gcm", "aes-gcm", 24, 12),
  aead2017("aes-128-gcm", "aes-gcm", 16, 12),
  aead2017("xchacha20-ietf-poly1305", "xchacha20-poly1305", 32, 24),
  aead2022("2022-blake3-aes-256-gcm", "aes-gcm", 32),
  aead2022("2022-blake3-aes-128-gcm", "aes-gcm", 16),
  aead2022("2022-blake3-chacha20-poly1305", "chacha20-poly1305", 32),
];

/** The stream ciphers of before 2017, and none at all. */
const UNPROTECTED =
  /^(none|plain|table|rc4|rc4-md5|salsa20|chacha20|chacha20-ietf|xchacha20|.+-(cfb\d*|ctr|ofb))$/;

/**
 * Finds a method by its name, in any letter case.
 *
 * @throws {ConfigError} `ERR_SS_METHOD_UNSUPPORTED`; the message lists all.
 */
export function findMethod(name: string): Method {
  const wanted = name.toLowerCase();
  const method = METHODS.find((method) => method.name === wanted);
  if (method === undefined) {
    const shown = JSON.stringify(name);
    throw new ConfigError(
      "ERR_SS_METHOD_UNSUPPORTED",
      (UNPROTECTED.test(wanted)
        ? `Method ${shown} does not protect what it carries from changes, ` +
          "and is not served"
        : `Unknown method ${shown}`) +
        `: expected one of ${METHODS.map((method) => method.name).join(", ")}`,
    );
  }
  return method;
}

function aead2017(
  name: string,
  algorithm: AeadAlgorithm,
  keyLength: number,
  nonceLength: number,
): Method {
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
): Method {
  return {
    ...aead2017(name, algorithm, keyLength, 12),
    family: AEAD_2022,
    // SIP023 defines identity headers for the AES methods alone.
    userKind: algorithm === "aes-gcm" ? "identity" : "none",
  };
}
