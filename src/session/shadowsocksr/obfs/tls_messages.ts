/**
 * The messages of `tls1.2_ticket_auth`, which imitate TLS byte by byte, without
 * certificates and key exchange.
 *
 * ```text
 * random    unix seconds 4 | random 18 | mac 10 of both
 * hello     16 0301 len2 | 01 00 len2 | 0303 | random 32 | 20 session id 32 | …
 * answer    16 0303 len2 | 02 00 len2 | 0303 | random 32 | 20 session id 32 | …
 *           [16 0303 len2 | ticket] 14 0303 0001 01
 *           16 0303 len2 | random len-10 | mac 10 of the whole answer before it
 * finish    14 0303 0001 01 | 16 0303 0020 | random 22 | mac 10 of all before it
 * data      17 0303 len2 | payload
 * ```
 *
 * mac = HMAC-SHA1(key | session id)[0..10].
 *
 * @module
 */
import { concat, equalBytes, readU16, writeU16 } from "../../../bytes.ts";
import { SHA1 } from "../../../crypto/legacy_digest.ts";
import { randomBelow, type RandomBytes } from "../../../random.ts";

/** Bytes of a session id, which identifies a client. */
export const SESSION_ID_LENGTH = 32;

/** Bytes of the random field of a hello. */
export const RANDOM_LENGTH = 32;

/** Bytes of the type, version and length of a record. */
export const RECORD_HEADER: number = 1 + 2 + 2;

/** Bytes of a mac. */
export const MAC_LENGTH = 10;

/** Types of records. */
export const RECORD = {
  changeCipherSpec: 0x14,
  handshake: 0x16,
  data: 0x17,
} as const;

/** The record after which data is said to be encrypted. */
export const CHANGE_CIPHER_SPEC: Uint8Array = Uint8Array.of(
  ...[RECORD.changeCipherSpec, 0x03, 0x03, 0x00, 0x01, 0x01],
);

/** Bytes of {@link encodeFinish}. */
export const FINISH_LENGTH: number = CHANGE_CIPHER_SPEC.length +
  RECORD_HEADER + 22 + MAC_LENGTH;

/** Computes macs with a key and a session id. */
export class TlsMac {
  readonly #key: Uint8Array;

  /** @param key The key of the method; borrowed. */
  constructor(key: Uint8Array, sessionId: Uint8Array) {
    this.#key = concat(key, sessionId);
  }

  /** Returns the mac of bytes, 10 bytes. */
  of(bytes: Uint8Array): Uint8Array {
    return SHA1.hmac(this.#key, bytes).subarray(0, MAC_LENGTH);
  }

  /** True if the last 10 bytes are the mac of those before them. */
  ends(bytes: Uint8Array): boolean {
    const at = bytes.length - MAC_LENGTH;
    return equalBytes(this.of(bytes.subarray(0, at)), bytes.subarray(at));
  }

  /** Makes the random field of a hello, 32 bytes. */
  random(stamp: number, randomBytes: RandomBytes): Uint8Array {
    const body = new Uint8Array(4 + 18);
    new DataView(body.buffer).setUint32(0, stamp);
    body.set(randomBytes(18), 4);
    return concat(body, this.of(body));
  }
}

/**
 * Encodes a client's hello.
 *
 * @param host Name for the field SNI; omitted if it ends in a digit.
 * @param ticket The bytes of the ticket.
 */
export function encodeClientHello(
  random: Uint8Array,
  sessionId: Uint8Array,
  { host, ticket }: { readonly host: string; readonly ticket: Uint8Array },
): Uint8Array {
  const extensions = concat(
    hex("ff01000100"),
    /\d$/.test(host) ? hex("00000000") : serverName(host),
    hex("00170000"),
    hex("0023"),
    withLength(ticket),
    hex("000d001600140601060305010503040104030301030302010203"),
    hex("000500050100000000"),
    hex("00120000"),
    hex("75500000"),
    hex("000b00020100"),
    hex("000a0006000400170018"),
  );
  const body = concat(
    hex("0303"),
    random,
    Uint8Array.of(sessionId.length),
    sessionId,
    hex("001cc02bc02fcca9cca8cc14cc13c00ac014c009c013009c0035002f000a"),
    hex("0100"),
    withLength(extensions),
  );
  return record(0x0301, concat(hex("0100"), withLength(body)));
}

/**
 * Encodes a server's answer to a hello, including its mac.
 *
 * @param random Must be made with the same mac.
 */
export function encodeServerFlight(
  random: Uint8Array,
  sessionId: Uint8Array,
  { mac, randomBytes }: {
    readonly mac: TlsMac;
    readonly randomBytes: RandomBytes;
  },
): Uint8Array {
  const body = concat(
    hex("0303"),
    random,
    Uint8Array.of(sessionId.length),
    sessionId,
    hex("c02f000005ff01000100"),
  );
  const parts = [record(0x0303, concat(hex("0200"), withLength(body)))];
  if (randomBelow(9, randomBytes) === 0) {
    const ticket = randomBytes(64 + 2 * randomBelow(164, randomBytes));
    parts.push(record(0x0303, concat(hex("0400"), withLength(ticket))));
  }
  const finished = randomBelow(2, randomBytes) === 0 ? 32 : 40;
  const header = Uint8Array.of(RECORD.handshake, 0x03, 0x03, 0x00, finished);
  const flight = concat(
    ...parts,
    CHANGE_CIPHER_SPEC,
    header,
    randomBytes(finished - MAC_LENGTH),
  );
  return concat(flight, mac.of(flight));
}

/** Encodes the last message of the client's handshake, 43 bytes. */
export function encodeFinish(
  mac: TlsMac,
  randomBytes: RandomBytes,
): Uint8Array {
  const start = concat(
    CHANGE_CIPHER_SPEC,
    Uint8Array.of(RECORD.handshake, 0x03, 0x03, 0x00, 22 + MAC_LENGTH),
    randomBytes(22),
  );
  return concat(start, mac.of(start));
}

/** True if the bytes are the start of a message, or all of it. */
export function startsLike(bytes: Uint8Array, message: Uint8Array): boolean {
  const length = Math.min(bytes.length, message.length);
  return equalBytes(bytes.subarray(0, length), message.subarray(0, length));
}

/** Returns the length in a record's header. */
export function recordLength(header: Uint8Array): number {
  return readU16(header, 3);
}

function serverName(host: string): Uint8Array {
  const name = new TextEncoder().encode(host);
  const entry = concat(Uint8Array.of(0x00), withLength(name));
  return concat(hex("0000"), withLength(withLength(entry)));
}

function record(version: number, body: Uint8Array): Uint8Array {
  const header = Uint8Array.of(RECORD.handshake, version >>> 8, version & 0xff);
  return concat(header, withLength(body));
}

function withLength(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(2);
  writeU16(length, 0, bytes.length);
  return concat(length, bytes);
}

function hex(text: string): Uint8Array {
  return Uint8Array.fromHex(text);
}
