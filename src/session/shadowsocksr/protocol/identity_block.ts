/**
 * The encrypted block in the headers of `auth_aes128_*` and `auth_chain_*`.
 *
 * ```text
 * time 4 | client id 4 | connection id 4 | two numbers of 2, little endian
 * ```
 *
 * AES-128 on one block, under MD5(base64(user's key) | name of the protocol).
 *
 * @module
 */
import { concat, toLatin1 } from "../../../bytes.ts";
import { encodeBase64 } from "../../../codec/base64.ts";
import { BlockCipher } from "../../../crypto/block_cipher.ts";
import { MD5 } from "../../../crypto/legacy_digest.ts";
import { readU16le, readU32le, u16le, u32le } from "./auth_protocol.ts";

/** The content of the block. */
export interface Identity {
  /** The client's clock in seconds, 32 bits. */
  readonly stamp: number;
  /** The client's id, 4 bytes. */
  readonly client: Uint8Array;
  /** The client's count of connections, 32 bits. */
  readonly connection: number;
  /** Two 16-bit numbers, whose meaning depends on the protocol. */
  readonly numbers: readonly [number, number];
}

/** Encrypts a block, 16 bytes. */
export function sealIdentity(
  identity: Identity,
  userKey: Uint8Array,
  protocol: string,
): Uint8Array {
  const { stamp, client, connection, numbers } = identity;
  return cipher(userKey, protocol).encrypt(
    concat(u32le(stamp), client, u32le(connection), ...numbers.map(u16le)),
  );
}

/** Decrypts a block, without authenticating it. */
export function openIdentity(
  block: Uint8Array,
  userKey: Uint8Array,
  protocol: string,
): Identity {
  const plain = cipher(userKey, protocol).decrypt(block);
  return {
    stamp: readU32le(plain, 0),
    client: plain.slice(4, 8),
    connection: readU32le(plain, 8),
    numbers: [readU16le(plain, 12), readU16le(plain, 14)],
  };
}

function cipher(userKey: Uint8Array, protocol: string): BlockCipher {
  return new BlockCipher(
    MD5.hash(toLatin1(encodeBase64(userKey) + protocol)),
  );
}
