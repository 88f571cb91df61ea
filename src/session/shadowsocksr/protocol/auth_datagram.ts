/**
 * The protocols for datagrams, inside the stream cipher.
 *
 * ```text
 * origin, auth_sha1_v4   data
 * auth_aes128_*   up     data | uid 4 | mac 4 of both, under the user's key
 *                 down   data | mac 4, under the port's key
 * auth_chain_*    up     data, RC4 | random | a 3 | uid 4, masked | mac 1
 *                 down   data, RC4 | random | a 7 | mac 1
 * ```
 *
 * With `auth_chain_*`, the mac of `a` under the port's key masks the uid, and
 * determines the RC4 key and the number of random bytes. The mac at the end is
 * under the user's key.
 *
 * Security: there is no time stamp and no id, so a recording is served again
 * unless its IV is remembered.
 *
 * @module
 */
import { concat, equalBytes } from "../../../bytes.ts";
import { type LegacyDigest, MD5, SHA1 } from "../../../crypto/legacy_digest.ts";
import { Rc4 } from "../../../crypto/key_streams/rc4.ts";
import { ProtocolError } from "../../../errors.ts";
import type { RandomBytes } from "../../../random.ts";
import type { SsrProtocolName } from "../names.ts";
import { aes128UserKey, type AuthAes128Name } from "./auth_aes128.ts";
import { chainRc4Key } from "./auth_chain.ts";
import { notAuthentic, readU32le, u32le } from "./auth_protocol.ts";
import { ChainRandom } from "./chain_random.ts";

/** The user of datagrams. */
export interface DatagramUser {
  /** The user's id, 32 bits. */
  readonly uid: number;
  /** The key of the user's macs. */
  readonly userKey: Uint8Array;
}

/** Returns the user with the id in a datagram. */
export type FindDatagramUser = (uid: number) => DatagramUser;

/** A decrypted datagram of a client. */
export interface OpenedDatagram {
  /** Address and payload. */
  readonly data: Uint8Array;
  /** The user; not set if the protocol contains none. */
  readonly user?: DatagramUser;
}

/** Both directions of a protocol for datagrams. */
export interface DatagramProtocol {
  /** Makes a datagram from client to server. */
  sealUp(data: Uint8Array, user: DatagramUser): Uint8Array;
  /** @throws {ProtocolError} `ERR_SS_…` */
  openUp(bytes: Uint8Array, find: FindDatagramUser): OpenedDatagram;
  /** Makes a datagram from server to client. */
  sealDown(data: Uint8Array, user: DatagramUser): Uint8Array;
  /** @throws {ProtocolError} `ERR_SS_…` */
  openDown(bytes: Uint8Array, user: DatagramUser): Uint8Array;
}

/** Returns the transformation of a protocol. */
export function datagramProtocol(
  name: SsrProtocolName,
  key: Uint8Array,
  randomBytes: RandomBytes,
): DatagramProtocol {
  switch (name) {
    case "origin":
    case "auth_sha1_v4":
      return UNCHANGED;
    case "auth_aes128_md5":
      return aes128(name, MD5, key);
    case "auth_aes128_sha1":
      return aes128(name, SHA1, key);
    default:
      return chain(name, key, randomBytes);
  }
}

/** Returns the key of a user's macs; without a user, the port's key. */
export function userKeyOf(
  name: SsrProtocolName,
  key: Uint8Array,
  user: { readonly password: Uint8Array } | undefined,
): Uint8Array {
  if (user === undefined) return key;
  return name.startsWith("auth_aes128_")
    ? aes128UserKey(name as AuthAes128Name, user)
    : user.password;
}

const UNCHANGED: DatagramProtocol = {
  sealUp: (data) => data,
  openUp: (data) => ({ data }),
  sealDown: (data) => data,
  openDown: (data) => data,
};

const UID = 4;
const AES128_MAC = 4;

function aes128(
  name: AuthAes128Name,
  digest: LegacyDigest,
  key: Uint8Array,
): DatagramProtocol {
  const mac = (key: Uint8Array, bytes: Uint8Array): Uint8Array =>
    digest.hmac(key, bytes).subarray(0, AES128_MAC);
  const check = (key: Uint8Array, bytes: Uint8Array): Uint8Array => {
    const data = bytes.subarray(0, -AES128_MAC);
    if (equalBytes(mac(key, data), bytes.subarray(data.length))) return data;
    throw notAuthentic(name, "packet");
  };
  return {
    sealUp(data, { uid, userKey }): Uint8Array {
      const start = concat(data, u32le(uid));
      return concat(start, mac(userKey, start));
    },
    openUp(bytes, find): OpenedDatagram {
      checkLength(name, bytes, UID + AES128_MAC);
      const at = bytes.length - UID - AES128_MAC;
      const user = find(readU32le(bytes, at));
      return { data: check(user.userKey, bytes).subarray(0, at), user };
    },
    sealDown: (data) => concat(data, mac(key, data)),
    openDown(bytes): Uint8Array {
      checkLength(name, bytes, AES128_MAC);
      return check(key, bytes);
    },
  };
}

const CHAIN_MAC = 1;
const UP_RANDOM = 3;
const DOWN_RANDOM = 7;
const MAX_CHAIN_PADDING = 127;

function chain(
  name: SsrProtocolName,
  key: Uint8Array,
  randomBytes: RandomBytes,
): DatagramProtocol {
  const mac = (userKey: Uint8Array, bytes: Uint8Array): Uint8Array =>
    MD5.hmac(userKey, bytes).subarray(0, CHAIN_MAC);
  const paddingOf = (hash: Uint8Array): number => {
    const random = new ChainRandom();
    random.seed(hash);
    return random.below(MAX_CHAIN_PADDING);
  };
  const turn = (
    data: Uint8Array,
    userKey: Uint8Array,
    hash: Uint8Array,
  ): Uint8Array => {
    const out = new Uint8Array(data.length);
    new Rc4(chainRc4Key(userKey, hash)).apply(data, out);
    return out;
  };
  const seal = (
    data: Uint8Array,
    { uid, userKey }: DatagramUser,
    isUp: boolean,
  ): Uint8Array => {
    const random = randomBytes(isUp ? UP_RANDOM : DOWN_RANDOM);
    const hash = MD5.hmac(key, random);
    const start = concat(
      turn(data, userKey, hash),
      randomBytes(paddingOf(hash)),
      random,
      ...(isUp ? [u32le((uid ^ readU32le(hash, 0)) >>> 0)] : []),
    );
    return concat(start, mac(userKey, start));
  };
  /** Returns the data, after its mac was checked. */
  const open = (
    bytes: Uint8Array,
    userKey: Uint8Array,
    { hash, at }: { readonly hash: Uint8Array; readonly at: number },
  ): Uint8Array => {
    const end = bytes.length - CHAIN_MAC;
    if (
      !equalBytes(mac(userKey, bytes.subarray(0, end)), bytes.subarray(end))
    ) throw notAuthentic(name, "packet");
    const length = at - paddingOf(hash);
    if (length < 0) throw tooShort(name, bytes);
    return turn(bytes.subarray(0, length), userKey, hash);
  };
  return {
    sealUp: (data, user) => seal(data, user, true),
    openUp(bytes, find): OpenedDatagram {
      const tail = UP_RANDOM + UID + CHAIN_MAC;
      checkLength(name, bytes, tail);
      const at = bytes.length - tail;
      const hash = MD5.hmac(key, bytes.subarray(at, at + UP_RANDOM));
      const masked = readU32le(bytes, at + UP_RANDOM);
      const user = find((masked ^ readU32le(hash, 0)) >>> 0);
      return { data: open(bytes, user.userKey, { hash, at }), user };
    },
    sealDown: (data, user) => seal(data, user, false),
    openDown(bytes, { userKey }): Uint8Array {
      const tail = DOWN_RANDOM + CHAIN_MAC;
      checkLength(name, bytes, tail);
      const at = bytes.length - tail;
      const hash = MD5.hmac(key, bytes.subarray(at, at + DOWN_RANDOM));
      return open(bytes, userKey, { hash, at });
    },
  };
}

function checkLength(name: string, bytes: Uint8Array, least: number): void {
  if (bytes.length < least) throw tooShort(name, bytes);
}

function tooShort(name: string, { length }: Uint8Array): ProtocolError {
  return new ProtocolError(
    "ERR_SS_TRUNCATED",
    `Cannot open packet of ${name}: ${length} bytes are too few`,
  );
}
