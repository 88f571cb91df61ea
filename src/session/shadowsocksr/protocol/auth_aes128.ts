/**
 * `auth_aes128_md5` and `auth_aes128_sha1`: macs authenticate the header and
 * each packet.
 *
 * ```text
 * header  random 1 | mac 6 of it | uid 4 | block 16 | mac 4 of both | random |
 *         data | mac 4 of all before it, under the user's key
 * packet  length 2 | mac 2 of it | padding | data | mac 4 of all before it
 * ```
 *
 * Everything is little endian. The key of the first two macs is IV and key;
 * that of packets is the user's key and the number of the packet. Lengths are
 * of the whole unit. The length of the header and that of its random bytes are
 * in the block.
 *
 * @module
 */
import { concat, equalBytes } from "../../../bytes.ts";
import { type LegacyDigest, MD5, SHA1 } from "../../../crypto/legacy_digest.ts";
import { MAX_SSR_PACKET, SSR_SEGMENT, SSR_UNIT } from "../../../limits.ts";
import { randomBelow, type RandomBytes } from "../../../random.ts";
import type { SsrIdentity } from "../identity.ts";
import { stampOf } from "../stamp.ts";
import type { SsrUser, SsrUsers } from "../users.ts";
import type { Ivs, SsrWorld } from "../world.ts";
import {
  type AuthClient,
  type AuthHeader,
  type AuthServer,
  type HeaderBytes,
  headSize,
  impossibleLength,
  notAuthentic,
  type PacketReader,
  type PacketWriter,
  padding,
  paddingLength,
  readU16le,
  readU32le,
  type TakenPacket,
  u16le,
  u32le,
} from "./auth_protocol.ts";
import { openIdentity, sealIdentity } from "./identity_block.ts";

/** The two variants. */
export type AuthAes128Name = "auth_aes128_md5" | "auth_aes128_sha1";

const FIRST_MAC = 6;
const MAC = 4;
const UID_AT = 1 + FIRST_MAC;
const BLOCK_AT = UID_AT + 4;
const SECOND_MAC_AT = BLOCK_AT + 16;
const RANDOM_AT = SECOND_MAC_AT + MAC;

/** Bytes of a header without random bytes and data. */
const HEADER_FRAME: number = RANDOM_AT + MAC;

/** Bytes of a packet without padding and data. */
const PACKET_FRAME = 2 + 2 + MAC;

/** The most bytes in one write that are still padded. */
const MAX_PADDED_BURST = 32_768 - PACKET_FRAME - 1;

/** The keys of a connection. */
interface Keys {
  readonly name: AuthAes128Name;
  /** The key of the method. */
  readonly key: Uint8Array;
  readonly ivs: Ivs;
}

/** Returns the key of a user's macs: the hash of the password. */
export function aes128UserKey(
  name: AuthAes128Name,
  { password }: Pick<SsrUser, "password">,
): Uint8Array {
  return digestOf(name).hash(password);
}

/**
 * Makes the client's side.
 *
 * @param user The client's user; not set for holders of the port's key.
 */
export function authAes128Client(
  { name, key, ivs }: Keys,
  { identity, user }: {
    readonly identity: SsrIdentity;
    readonly user?: Pick<SsrUser, "uid" | "password"> | undefined;
  },
  { clock, randomBytes }: SsrWorld,
): AuthClient {
  const digest = digestOf(name);
  const userKey = user === undefined ? key : aes128UserKey(name, user);
  return {
    header(data): HeaderBytes {
      const taken = Math.min(
        data.length,
        headSize(data) + randomBelow(32, randomBytes),
      );
      const random = randomBytes(
        randomBelow(taken > 400 ? 512 : 1_024, randomBytes),
      );
      const { client, connection } = identity.next();
      const block = sealIdentity(
        {
          stamp: stampOf(clock),
          client,
          connection,
          numbers: [HEADER_FRAME + random.length + taken, random.length],
        },
        userKey,
        name,
      );
      const headKey = concat(ivs.sent, key);
      const first = randomBytes(1);
      const uid = user === undefined ? randomBytes(4) : u32le(user.uid);
      const who = concat(uid, block);
      const start = concat(
        first,
        digest.hmac(headKey, first).subarray(0, FIRST_MAC),
        who,
        digest.hmac(headKey, who).subarray(0, MAC),
        random,
        data.subarray(0, taken),
      );
      const mac = digest.hmac(userKey, start).subarray(0, MAC);
      return { bytes: concat(start, mac), taken };
    },
    writer: new Writer(digest, userKey, randomBytes),
    reader: new Reader(name, userKey),
  };
}

/** Makes the server's side. */
export function authAes128Server(
  { name, key, ivs }: Keys,
  users: SsrUsers,
  { randomBytes }: SsrWorld,
): AuthServer {
  const digest = digestOf(name);
  const check = (key: Uint8Array, from: Uint8Array, mac: Uint8Array): void => {
    const expected = digest.hmac(key, from).subarray(0, mac.length);
    if (!equalBytes(expected, mac)) throw notAuthentic(name, "header");
  };
  return {
    accept(bytes): AuthHeader | undefined {
      if (bytes.length < UID_AT) return undefined;
      const headKey = concat(ivs.received, key);
      check(headKey, bytes.subarray(0, 1), bytes.subarray(1, UID_AT));
      if (bytes.length < RANDOM_AT) return undefined;
      const who = bytes.subarray(UID_AT, SECOND_MAC_AT);
      check(headKey, who, bytes.subarray(SECOND_MAC_AT, RANDOM_AT));
      const user = users.find(readU32le(bytes, UID_AT));
      const userKey = user === undefined ? key : aes128UserKey(name, user);
      const block = bytes.subarray(BLOCK_AT, SECOND_MAC_AT);
      const { stamp, client, connection, numbers: [length, random] } =
        openIdentity(block, userKey, name);
      if (length < HEADER_FRAME + random || length > MAX_SSR_PACKET) {
        throw impossibleLength(name, length);
      }
      if (bytes.length < length) return undefined;
      const end = length - MAC;
      check(userKey, bytes.subarray(0, end), bytes.subarray(end, length));
      return {
        stamp,
        id: {
          client: readU32le(client, 0),
          connection,
          ...(user && { user: user.name }),
        },
        data: bytes.subarray(RANDOM_AT + random, end),
        length,
        writer: new Writer(digest, userKey, randomBytes),
        reader: new Reader(name, userKey),
      };
    },
  };
}

class Writer implements PacketWriter {
  readonly unit: number = SSR_UNIT;
  readonly #digest: LegacyDigest;
  readonly #userKey: Uint8Array;
  readonly #randomBytes: RandomBytes;
  #number = 0;

  constructor(
    digest: LegacyDigest,
    userKey: Uint8Array,
    randomBytes: RandomBytes,
  ) {
    this.#digest = digest;
    this.#userKey = userKey;
    this.#randomBytes = randomBytes;
  }

  maxLength(dataLength: number): number {
    return PACKET_FRAME + 1 + dataLength + paddingBound(dataLength);
  }

  pack(data: Uint8Array, burst: number, out: Uint8Array): number {
    this.#number = (this.#number + 1) >>> 0;
    const key = concat(this.#userKey, u32le(this.#number));
    const more = burst >= MAX_PADDED_BURST
      ? 0
      : paddingFor(data.length, this.#randomBytes);
    const pad = padding(1 + more, "little", this.#randomBytes);
    const length = PACKET_FRAME + pad.length + data.length;
    const mac = (bytes: Uint8Array, size: number): Uint8Array =>
      this.#digest.hmac(key, bytes).subarray(0, size);
    out.set(u16le(length));
    out.set(mac(out.subarray(0, 2), 2), 2);
    out.set(pad, 4);
    out.set(data, 4 + pad.length);
    out.set(mac(out.subarray(0, length - MAC), MAC), length - MAC);
    return length;
  }
}

class Reader implements PacketReader {
  readonly #name: AuthAes128Name;
  readonly #userKey: Uint8Array;
  #number = 1;

  constructor(name: AuthAes128Name, userKey: Uint8Array) {
    this.#name = name;
    this.#userKey = userKey;
  }

  take(bytes: Uint8Array): TakenPacket | undefined {
    if (bytes.length < 4) return undefined;
    const digest = digestOf(this.#name);
    const key = concat(this.#userKey, u32le(this.#number));
    const check = digest.hmac(key, bytes.subarray(0, 2)).subarray(0, 2);
    if (!equalBytes(check, bytes.subarray(2, 4))) {
      throw notAuthentic(this.#name, "packet");
    }
    const length = readU16le(bytes, 0);
    if (length <= PACKET_FRAME || length > MAX_SSR_PACKET) {
      throw impossibleLength(this.#name, length);
    }
    if (bytes.length < length) return undefined;
    const start = bytes.subarray(0, length - MAC);
    const mac = digest.hmac(key, start).subarray(0, MAC);
    if (!equalBytes(mac, bytes.subarray(length - MAC, length))) {
      throw notAuthentic(this.#name, "packet");
    }
    const pad = paddingLength(start.subarray(4), "little");
    if (pad === undefined) throw impossibleLength(this.#name, length);
    this.#number = (this.#number + 1) >>> 0;
    return { data: start.subarray(4 + pad), length };
  }
}

function digestOf(name: AuthAes128Name): LegacyDigest {
  return name === "auth_aes128_md5" ? MD5 : SHA1;
}

/**
 * Returns how many random bytes hide the length of the data, up to the end of
 * its segment.
 */
function paddingFor(dataLength: number, randomBytes: RandomBytes): number {
  const bound = paddingBound(dataLength);
  if (bound === 0) return 0;
  const room = SSR_SEGMENT - dataLength - PACKET_FRAME - 1;
  const isUniform = room <= -SSR_SEGMENT || room > 0 && dataLength > 900;
  return isUniform
    ? randomBelow(bound, randomBytes)
    : slope(bound, randomBytes);
}

/**
 * Returns the bound of the padding: the rest of the last segment, or a small
 * number for longer data.
 */
function paddingBound(dataLength: number): number {
  const room = SSR_SEGMENT - dataLength - PACKET_FRAME - 1;
  if (room <= -SSR_SEGMENT) return SMALL_PADDING;
  return room < 0 ? room + SSR_SEGMENT : room;
}

/** The most random bytes of packets that fill several segments. */
const SMALL_PADDING = 32;

/** Returns a random number below the bound; small ones are more likely. */
function slope(bound: number, randomBytes: RandomBytes): number {
  const uniform = randomBelow(2 ** 30, randomBytes) / 2 ** 30;
  return Math.floor(bound * (Math.sqrt(1.69 - 1.2 * uniform) - 1.3) / -0.6);
}
