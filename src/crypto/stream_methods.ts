/**
 * The methods of before 2017 and their sizes: stream ciphers, and `none`.
 *
 * Source: shadowsocks 2.8.2, shadowsocks-libev 3.3.5, shadowsocksrr; the sizes
 * are those of these programs.
 *
 * @module
 */
import { type Family, STREAM_CIPHER, type UserKind } from "./family.ts";
import type { KeyStreamAlgorithm, KeyStreamMethod } from "./key_stream.ts";

/** A method that encrypts and does not authenticate. */
export interface StreamMethod extends KeyStreamMethod {
  /** Defines keys and headers. */
  readonly family: Family;
  /** Always `none`: a server cannot distinguish users of these methods. */
  readonly userKind: UserKind;
}

/** The stream methods; those still in use come first. */
export const STREAM_METHODS: readonly StreamMethod[] = [
  ...aes("aes-cfb"),
  ...aes("aes-ctr"),
  method("chacha20-ietf", 32, 12),
  method("chacha20", 32, 8),
  method("xchacha20", 32, 24),
  method("rc4-md5", 16, 16),
  method("salsa20", 32, 8),
  ...[16, 24, 32].map((keyLength) =>
    method(`camellia-${keyLength * 8}-cfb`, keyLength, 16, "camellia-cfb")
  ),
  method("bf-cfb", 16, 8),
  ...aes("aes-ofb"),
  ...aes("aes-cfb8"),
  ...aes("aes-cfb1"),
  method("cast5-cfb", 16, 8),
  method("des-cfb", 8, 8),
  method("idea-cfb", 16, 8),
  method("rc2-cfb", 16, 8),
  method("seed-cfb", 16, 16),
  method("rc4", 16, 0),
  method("rc4-md5-6", 16, 6, "rc4-md5"),
  method("xsalsa20", 32, 24),
  // Its key is the MD5 of the password, as for every method of 16 bytes.
  method("table", 16, 0),
  method("none", 0, 0),
];

/** Other names of the methods above. */
const ALIASES: Readonly<Record<string, string>> = {
  plain: "none",
  "aes-128-cfb128": "aes-128-cfb",
  "aes-192-cfb128": "aes-192-cfb",
  "aes-256-cfb128": "aes-256-cfb",
};

/**
 * Finds a method by its name or an alias.
 *
 * @param name In lower case.
 */
export function findStreamMethod(name: string): StreamMethod | undefined {
  const wanted = ALIASES[name] ?? name;
  return STREAM_METHODS.find((method) => method.name === wanted);
}

function method(
  name: string,
  keyLength: number,
  ivLength: number,
  algorithm: KeyStreamAlgorithm = name as KeyStreamAlgorithm,
): StreamMethod {
  return {
    name,
    family: STREAM_CIPHER,
    userKind: "none",
    algorithm,
    keyLength,
    ivLength,
  };
}

function aes(
  algorithm: "aes-cfb" | "aes-ctr" | "aes-ofb" | "aes-cfb8" | "aes-cfb1",
): StreamMethod[] {
  return [32, 24, 16].map((keyLength) =>
    method(
      algorithm.replace("-", `-${keyLength * 8}-`),
      keyLength,
      16,
      algorithm,
    )
  );
}
