/**
 * `auth_sha1_v4`: the header is authenticated. The packets are not, because
 * their checksums need no key.
 *
 * ```text
 * header  length 2 | CRC-32 4 | padding | time 4 | client id 4 |
 *         connection id 4 | data | HMAC-SHA1 10
 * packet  length 2 | CRC-32 of it, lower half 2 | padding | data | Adler-32 4
 * ```
 *
 * Lengths are of the whole unit, most significant byte first; everything else
 * is little endian. The CRC-32 of the header is over length, name and key.
 *
 * @module
 */
import {
  concat,
  equalBytes,
  readU16,
  toLatin1,
  writeU16,
} from "../../../bytes.ts";
import { adler32, crc32 } from "../../../codec/checksum.ts";
import { SHA1 } from "../../../crypto/legacy_digest.ts";
import { MAX_SSR_PACKET, SSR_UNIT } from "../../../limits.ts";
import { randomBelow, type RandomBytes } from "../../../random.ts";
import type { SsrIdentity } from "../identity.ts";
import { stampOf } from "../stamp.ts";
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
  readU32le,
  type TakenPacket,
  u16le,
  u32le,
} from "./auth_protocol.ts";

const NAME = "auth_sha1_v4";

/** Bytes of a packet without padding and data. */
const PACKET_FRAME = 2 + 2 + 4;

/** Bytes of the longest padding. */
const MAX_PADDING = 512;

const MAC_LENGTH = 10;
const START = 2 + 4;
const FIXED = 4 + 4 + 4;

/** The keys of a connection. */
interface Keys {
  /** The key of the method. */
  readonly key: Uint8Array;
  readonly ivs: Ivs;
}

/** Makes the client's side. */
export function authSha1V4Client(
  { key, ivs }: Keys,
  identity: SsrIdentity,
  { clock, randomBytes }: SsrWorld,
): AuthClient {
  return {
    header(data): HeaderBytes {
      const taken = Math.min(
        data.length,
        headSize(data) + randomBelow(32, randomBytes),
      );
      const pad = paddingFor(data.length, randomBytes);
      const { client, connection } = identity.next();
      const length = new Uint8Array(2);
      writeU16(length, 0, START + pad.length + FIXED + taken + MAC_LENGTH);
      const start = concat(
        length,
        headerCheck(length, key),
        pad,
        u32le(stampOf(clock)),
        client,
        u32le(connection),
        data.subarray(0, taken),
      );
      return { bytes: concat(start, mac(ivs.sent, key, start)), taken };
    },
    writer: new Writer(randomBytes),
    reader: new Reader(),
  };
}

/** Makes the server's side. */
export function authSha1V4Server(
  { key, ivs }: Keys,
  { randomBytes }: SsrWorld,
): AuthServer {
  return {
    accept(bytes): AuthHeader | undefined {
      if (bytes.length < START) return undefined;
      const check = headerCheck(bytes.subarray(0, 2), key);
      if (!equalBytes(check, bytes.subarray(2, START))) {
        throw notAuthentic(NAME, "header");
      }
      const length = readU16(bytes, 0);
      if (length < START + 1 + FIXED + MAC_LENGTH || length > MAX_SSR_PACKET) {
        throw impossibleLength(NAME, length);
      }
      if (bytes.length < length) return undefined;
      const start = bytes.subarray(0, length - MAC_LENGTH);
      const sent = bytes.subarray(length - MAC_LENGTH, length);
      if (!equalBytes(mac(ivs.received, key, start), sent)) {
        throw notAuthentic(NAME, "header");
      }
      const pad = paddingLength(
        start.subarray(START, start.length - FIXED),
        "big",
      );
      if (pad === undefined) throw impossibleLength(NAME, length);
      const body = start.subarray(START + pad);
      return {
        stamp: readU32le(body, 0),
        id: { client: readU32le(body, 4), connection: readU32le(body, 8) },
        data: body.subarray(FIXED),
        length,
        writer: new Writer(randomBytes),
        reader: new Reader(),
      };
    },
  };
}

class Writer implements PacketWriter {
  readonly unit: number = SSR_UNIT;
  readonly #randomBytes: RandomBytes;

  constructor(randomBytes: RandomBytes) {
    this.#randomBytes = randomBytes;
  }

  maxLength(dataLength: number): number {
    return PACKET_FRAME + MAX_PADDING + dataLength;
  }

  pack(data: Uint8Array, _burst: number, out: Uint8Array): number {
    const pad = paddingFor(data.length, this.#randomBytes);
    const length = new Uint8Array(2);
    const whole = PACKET_FRAME + pad.length + data.length;
    writeU16(length, 0, whole);
    out.set(length);
    out.set(lengthCheck(length), 2);
    out.set(pad, 4);
    out.set(data, 4 + pad.length);
    out.set(u32le(adler32(out.subarray(0, whole - 4))), whole - 4);
    return whole;
  }
}

class Reader implements PacketReader {
  take(bytes: Uint8Array): TakenPacket | undefined {
    if (bytes.length < 4) return undefined;
    const check = lengthCheck(bytes.subarray(0, 2));
    if (!equalBytes(check, bytes.subarray(2, 4))) {
      throw notAuthentic(NAME, "packet");
    }
    const length = readU16(bytes, 0);
    if (length <= PACKET_FRAME || length > MAX_SSR_PACKET) {
      throw impossibleLength(NAME, length);
    }
    if (bytes.length < length) return undefined;
    const start = bytes.subarray(0, length - 4);
    if (adler32(start) !== readU32le(bytes, length - 4)) {
      throw notAuthentic(NAME, "packet");
    }
    const pad = paddingLength(start.subarray(4), "big");
    if (pad === undefined) throw impossibleLength(NAME, length);
    return { data: start.subarray(4 + pad), length };
  }
}

function paddingFor(dataLength: number, randomBytes: RandomBytes): Uint8Array {
  const bound = dataLength > 1_200 ? 1 : dataLength > 400 ? 256 : MAX_PADDING;
  return padding(1 + randomBelow(bound, randomBytes), "big", randomBytes);
}

function headerCheck(length: Uint8Array, key: Uint8Array): Uint8Array {
  return u32le(crc32(concat(length, toLatin1(NAME), key)));
}

function lengthCheck(length: Uint8Array): Uint8Array {
  return u16le(crc32(length) & 0xffff);
}

function mac(iv: Uint8Array, key: Uint8Array, start: Uint8Array): Uint8Array {
  return SHA1.hmac(concat(iv, key), start).subarray(0, MAC_LENGTH);
}
