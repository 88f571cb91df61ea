/**
 * Packets of the 2022 edition.
 *
 * ```text
 * AES:      AES(key, session id 8 | packet id 8) | identity 16 … | seal(body)
 * ChaCha20: nonce 24 | seal(session id 8 | packet id 8 | body)
 * request:  type 0 1 | unix seconds 8 | padding length 2 | padding | address | payload
 * response: type 1 1 | unix seconds 8 | client session id 8 | padding length 2 | …
 * ```
 *
 * Only requests have identity headers. The separate header of a request is
 * encrypted with the first key of the chain, the body with the last one.
 *
 * Source: SIP022 §3.2, SIP023. Does not: check time stamps, packet ids or
 * session ids.
 *
 * @module
 */
import { concat, readU16, writeU16, xor } from "../bytes.ts";
import type { Aead } from "../crypto/aead.ts";
import { BLOCK_LENGTH } from "../crypto/block_cipher.ts";
import type { Psk } from "../crypto/psk.ts";
import { ProtocolError } from "../errors.ts";
import { TAG_LENGTH } from "../limits.ts";
import type { RandomBytes } from "../random.ts";
import { type Address, decodeAddress, encodeAddress } from "./address.ts";
import {
  checkType,
  HEADER_TYPE,
  readTimestamp,
  writeTimestamp,
} from "./stream_header_2022.ts";

/** Bytes of a session id. */
export const SESSION_ID_LENGTH = 8;

/** Bytes of the nonce in front of a packet of the ChaCha20 method. */
const LONG_NONCE_LENGTH = 24;

/** Identifies a packet of a session. */
export interface PacketHead {
  /** 8 bytes, random for each session and direction. */
  readonly sessionId: Uint8Array;
  /** Counts the packets of the session; each value is used once. */
  readonly packetId: bigint;
}

/** The content of a packet. */
export interface PacketBody {
  /** The sender's time. */
  readonly unixSeconds: number;
  /** The session that a response answers, 8 bytes; only in responses. */
  readonly clientSessionId?: Uint8Array;
  /** The target; in a response, the sender of the datagram. */
  readonly address: Address;
  /** The datagram. */
  readonly payload: Uint8Array;
}

/**
 * Encodes the plaintext of a body; with a client session id it is a response.
 */
export function encodePacketBody(
  { unixSeconds, clientSessionId, address, payload }: PacketBody,
  paddingLength = 0,
): Uint8Array {
  const isResponse = clientSessionId !== undefined;
  const front = new Uint8Array(1 + 8);
  front[0] = isResponse ? HEADER_TYPE.response : HEADER_TYPE.request;
  writeTimestamp(front, 1, unixSeconds);
  const padding = new Uint8Array(2 + paddingLength);
  writeU16(padding, 0, paddingLength);
  const session = clientSessionId ?? new Uint8Array(0);
  return concat(front, session, padding, encodeAddress(address), payload);
}

/**
 * Decodes the plaintext of a body.
 *
 * @param kind The expected kind.
 * @throws {ProtocolError} `ERR_SS_HEADER_TYPE`, `ERR_SS_TRUNCATED`,
 * `ERR_SS_PADDING`, `ERR_SS_ADDRESS_TYPE`, `ERR_SS_ADDRESS_INVALID`.
 */
export function decodePacketBody(
  body: Uint8Array,
  kind: keyof typeof HEADER_TYPE,
): PacketBody {
  const sessionEnd = 9 + (kind === "response" ? SESSION_ID_LENGTH : 0);
  if (body.length < sessionEnd + 2) throw truncated("its header");
  checkType(body, HEADER_TYPE[kind]);
  const paddingEnd = sessionEnd + 2 + readU16(body, sessionEnd);
  if (paddingEnd > body.length) {
    throw new ProtocolError(
      "ERR_SS_PADDING",
      "Cannot decode packet: it ends inside the padding",
    );
  }
  const decoded = decodeAddress(body.subarray(paddingEnd));
  if (decoded === undefined) throw truncated("the address");
  return {
    unixSeconds: readTimestamp(body, 1),
    ...(kind === "response" &&
      { clientSessionId: body.subarray(9, sessionEnd) }),
    address: decoded.address,
    payload: body.subarray(paddingEnd + decoded.length),
  };
}

/**
 * Seals a packet of an AES method.
 *
 * @param chain Keys of a client, the user's own last; a server has only the
 * user's key.
 * @param aead `sessionAead(sessionId)` of the last key; the caller keeps it for
 * the whole session.
 */
export function sealPacket(
  chain: readonly Psk[],
  aead: Aead,
  head: PacketHead,
  body: Uint8Array,
): Uint8Array {
  const plain = encodeHead(head);
  const identity = chain.slice(0, -1).map((key, i) =>
    key.headerCipher().encrypt(xor(chain[i + 1]!.identityHash, plain))
  );
  const sealed = new Uint8Array(body.length + TAG_LENGTH);
  aead.seal(plain.subarray(4), body, sealed);
  const hidden = chain[0]!.headerCipher().encrypt(plain);
  return concat(hidden, ...identity, sealed);
}

/**
 * Decrypts the separate header of a packet of an AES method. It is not
 * authenticated by itself; {@link openPacket} verifies it with the body.
 *
 * @param key The server's own key, or the client's.
 * @throws {ProtocolError} `ERR_SS_TRUNCATED`.
 */
export function openPacketHead(packet: Uint8Array, key: Psk): PacketHead {
  if (packet.length < BLOCK_LENGTH + TAG_LENGTH) throw truncated("its header");
  return decodeHead(
    key.headerCipher().decrypt(packet.subarray(0, BLOCK_LENGTH)),
  );
}

/**
 * Decrypts the identity header after the separate header.
 *
 * @param key The server's own key.
 * @returns The hash of the next key of the chain, 16 bytes.
 * @throws {ProtocolError} `ERR_SS_TRUNCATED`.
 */
export function openPacketIdentity(
  packet: Uint8Array,
  key: Psk,
  head: PacketHead,
): Uint8Array {
  if (packet.length < 2 * BLOCK_LENGTH + TAG_LENGTH) {
    throw truncated("its identity header");
  }
  const hidden = packet.subarray(BLOCK_LENGTH, 2 * BLOCK_LENGTH);
  return xor(key.headerCipher().decrypt(hidden), encodeHead(head));
}

/**
 * Opens the body of a packet of an AES method.
 *
 * @param aead `sessionAead(head.sessionId)` of the user's key.
 * @param identities Number of identity headers before the body.
 * @throws {ProtocolError} `ERR_SS_AUTHENTICATION`, `ERR_SS_TRUNCATED`.
 */
export function openPacket(
  packet: Uint8Array,
  aead: Aead,
  head: PacketHead,
  identities = 0,
): Uint8Array {
  const sealed = packet.subarray(BLOCK_LENGTH * (1 + identities));
  return open(aead, encodeHead(head).subarray(4), sealed);
}

/**
 * Seals a packet of the ChaCha20 method.
 *
 * @param aead `packetAead()` of the key.
 */
export function sealLongNoncePacket(
  aead: Aead,
  head: PacketHead,
  body: Uint8Array,
  randomBytes: RandomBytes,
): Uint8Array {
  const plain = concat(encodeHead(head), body);
  const nonce = randomBytes(LONG_NONCE_LENGTH);
  const sealed = new Uint8Array(plain.length + TAG_LENGTH);
  aead.seal(nonce, plain, sealed);
  return concat(nonce, sealed);
}

/**
 * Opens a packet of the ChaCha20 method.
 *
 * @param aead `packetAead()` of the key.
 * @throws {ProtocolError} `ERR_SS_AUTHENTICATION`, `ERR_SS_TRUNCATED`.
 */
export function openLongNoncePacket(
  packet: Uint8Array,
  aead: Aead,
): { head: PacketHead; body: Uint8Array } {
  const nonce = packet.subarray(0, LONG_NONCE_LENGTH);
  const plain = open(aead, nonce, packet.subarray(LONG_NONCE_LENGTH));
  if (plain.length < BLOCK_LENGTH) throw truncated("its header");
  return {
    head: decodeHead(plain.subarray(0, BLOCK_LENGTH)),
    body: plain.subarray(BLOCK_LENGTH),
  };
}

function open(aead: Aead, nonce: Uint8Array, sealed: Uint8Array): Uint8Array {
  if (sealed.length < TAG_LENGTH) throw truncated("its tag");
  const plain = new Uint8Array(sealed.length - TAG_LENGTH);
  if (aead.open(nonce, sealed, plain)) return plain;
  throw new ProtocolError(
    "ERR_SS_AUTHENTICATION",
    "Cannot open packet: its tag does not verify",
  );
}

function encodeHead({ sessionId, packetId }: PacketHead): Uint8Array {
  const out = new Uint8Array(BLOCK_LENGTH);
  out.set(sessionId);
  new DataView(out.buffer).setBigUint64(SESSION_ID_LENGTH, packetId);
  return out;
}

function decodeHead(plain: Uint8Array): PacketHead {
  const view = new DataView(plain.buffer, plain.byteOffset, BLOCK_LENGTH);
  return {
    sessionId: plain.subarray(0, SESSION_ID_LENGTH),
    packetId: view.getBigUint64(SESSION_ID_LENGTH),
  };
}

function truncated(what: string): ProtocolError {
  return new ProtocolError(
    "ERR_SS_TRUNCATED",
    `Cannot open packet: it ends inside ${what}`,
  );
}
