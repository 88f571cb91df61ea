/**
 * UDP packets of the 2017 edition.
 *
 * ```text
 * salt | seal(subkey(salt), nonce 0, address | payload)
 * ```
 *
 * Source: Shadowsocks AEAD ciphers, "UDP". Does not: detect replays; the format
 * has no field for it.
 *
 * @module
 */
import { cutBytes, viewOf } from "../bytes.ts";
import type { MasterKey } from "../crypto/aead.ts";
import { ProtocolError } from "../errors.ts";
import { TAG_LENGTH } from "../limits.ts";
import type { RandomBytes } from "../random.ts";
import { type Address, decodeAddress, encodeAddress } from "./address.ts";

/** The content of a packet. */
export interface Packet {
  /** To the server: the target. From the server: the sender. */
  readonly address: Address;
  /** 0 bytes or more. */
  readonly payload: Uint8Array;
}

/**
 * Seals one packet.
 *
 * Security: the nonce is constant, so that every packet needs a new salt, which
 * gives it its own key.
 *
 * @param payload Borrowed.
 * @returns Salt, then address and payload with a 16-byte tag.
 * @throws {RangeError} If the address cannot be encoded.
 */
export function sealPacket(
  masterKey: MasterKey,
  randomBytes: RandomBytes,
  { address, payload }: Packet,
): Uint8Array {
  const { saltLength, nonceLength } = masterKey.method;
  const target = encodeAddress(address);
  const plaintext = cutBytes(target.length + payload.length);
  plaintext.set(target);
  plaintext.set(payload, target.length);
  const packet = cutBytes(saltLength + plaintext.length + TAG_LENGTH);
  const salt = randomBytes(saltLength);
  packet.set(salt);
  const aead = masterKey.sessionAead(salt);
  try {
    aead.seal(nonceOf(nonceLength), plaintext, viewOf(packet, saltLength));
  } finally {
    aead.free();
  }
  return packet;
}

/**
 * Opens one packet.
 *
 * @param packet Borrowed, not changed.
 * @throws {ProtocolError} `ERR_SS_TRUNCATED` if it is shorter than a salt, a
 * tag and an address; `ERR_SS_AUTHENTICATION`; `ERR_SS_ADDRESS_…`.
 */
export function openPacket(masterKey: MasterKey, packet: Uint8Array): Packet {
  const opened = tryOpenPacket(masterKey, packet);
  if (opened !== undefined) return opened;
  throw new ProtocolError(
    "ERR_SS_AUTHENTICATION",
    "Cannot open packet: its tag does not verify",
  );
}

/**
 * Opens one packet if it was sealed with this key.
 *
 * @returns `undefined` if the tag does not verify.
 * @throws {ProtocolError} The other errors of {@link openPacket}.
 */
export function tryOpenPacket(
  masterKey: MasterKey,
  packet: Uint8Array,
): Packet | undefined {
  const { saltLength, nonceLength } = masterKey.method;
  const length = packet.length - saltLength - TAG_LENGTH;
  if (length < 0) throw truncatedPacket(packet);
  const plaintext = cutBytes(length);
  const aead = masterKey.sessionAead(viewOf(packet, 0, saltLength));
  try {
    const sealed = viewOf(packet, saltLength);
    if (!aead.open(nonceOf(nonceLength), sealed, plaintext)) return undefined;
  } finally {
    aead.free();
  }
  const decoded = decodeAddress(plaintext);
  if (decoded === undefined) throw truncatedPacket(packet);
  return {
    address: decoded.address,
    payload: viewOf(plaintext, decoded.length),
  };
}

/** Returns a nonce of all zeros. */
function nonceOf(length: number): Uint8Array {
  if (nonce.length !== length) nonce = new Uint8Array(length);
  return nonce;
}

let nonce: Uint8Array = new Uint8Array(12);

/** Returns the error of a packet that is too short. */
export function truncatedPacket({ length }: Uint8Array): ProtocolError {
  return new ProtocolError(
    "ERR_SS_TRUNCATED",
    `Cannot open packet: ${length} bytes are too few`,
  );
}
