/**
 * One direction of a UDP session of the 2022 edition, for sender and receiver,
 * in both variants.
 *
 * The AES variant has a subkey for each session, which is derived when it is
 * first needed. The ChaCha20 variant has none.
 *
 * Source: SIP022 §3.2.
 *
 * @module
 */
import {
  openLongNoncePacket,
  openPacket,
  openPacketHead,
  type PacketHead,
  sealLongNoncePacket,
  sealPacket,
  SESSION_ID_LENGTH,
} from "../../codec/packet_2022.ts";
import type { Aead } from "../../crypto/aead.ts";
import type { Psk } from "../../crypto/psk.ts";
import type { RandomBytes } from "../../random.ts";

/** The part of a packet that is readable before its user is known. */
export interface BegunPacket {
  /** The session id and the packet id; with AES, not authenticated yet. */
  readonly head: PacketHead;
  /**
   * With ChaCha20, the body, which was decrypted and authenticated with the
   * head.
   */
  readonly body?: Uint8Array;
}

/**
 * Reads the head of a packet.
 *
 * @param key For a server with users, their identity key.
 * @throws {ProtocolError} `ERR_SS_TRUNCATED`; with ChaCha20 also
 * `ERR_SS_AUTHENTICATION`.
 */
export function beginPacket(packet: Uint8Array, key: Psk): BegunPacket {
  if (key.hasIdentity) return { head: openPacketHead(packet, key) };
  const aead = key.packetAead();
  try {
    return openLongNoncePacket(packet, aead);
  } finally {
    aead.free();
  }
}

/** Decrypts the packets of one session. */
export class PacketOpener {
  /** The session id that the sender chose. */
  readonly sessionId: Uint8Array;
  readonly #psk: Psk;
  #aead: Aead | undefined;

  /**
   * Makes an opener; the key is derived later.
   *
   * @param sessionId 8 bytes; copied.
   */
  constructor(psk: Psk, sessionId: Uint8Array) {
    this.#psk = psk;
    this.sessionId = sessionId.slice();
  }

  /**
   * Decrypts the body.
   *
   * @param begun What {@link beginPacket} read, of this session.
   * @param identities The number of identity headers.
   * @throws {ProtocolError} `ERR_SS_AUTHENTICATION`, `ERR_SS_TRUNCATED`.
   */
  open(packet: Uint8Array, begun: BegunPacket, identities = 0): Uint8Array {
    if (begun.body !== undefined) return begun.body;
    this.#aead ??= this.#psk.sessionAead(this.sessionId);
    return openPacket(packet, this.#aead, begun.head, identities);
  }

  /** Releases the key until it is needed again. Idempotent. */
  free(): void {
    this.#aead?.free();
    this.#aead = undefined;
  }
}

/** Encrypts the packets of one session, and counts them. */
export class PacketSealer {
  /** The random session id. */
  readonly sessionId: Uint8Array;
  readonly #chain: readonly Psk[];
  readonly #psk: Psk;
  readonly #randomBytes: RandomBytes;
  #aead: Aead | undefined;
  /** A 64-bit counter does not wrap during the life of a process. */
  #nextId = 0n;

  /**
   * Makes a sealer with a random session id.
   *
   * @param psk The key of the session.
   * @param identityKeys The keys before it, in order; only clients have any.
   */
  constructor(
    psk: Psk,
    randomBytes: RandomBytes,
    identityKeys: readonly Psk[] = [],
  ) {
    this.#psk = psk;
    this.#chain = [...identityKeys, psk];
    this.#randomBytes = randomBytes;
    this.sessionId = randomBytes(SESSION_ID_LENGTH);
  }

  /** Encrypts a body as the session's next packet. */
  seal(body: Uint8Array): Uint8Array {
    const head = { sessionId: this.sessionId, packetId: this.#nextId++ };
    if (this.#psk.hasIdentity) {
      this.#aead ??= this.#psk.sessionAead(this.sessionId);
      return sealPacket(this.#chain, this.#aead, head, body);
    }
    const aead = this.#psk.packetAead();
    try {
      return sealLongNoncePacket(aead, head, body, this.#randomBytes);
    } finally {
      aead.free();
    }
  }

  /** Releases the key until it is needed again. Idempotent. */
  free(): void {
    this.#aead?.free();
    this.#aead = undefined;
  }
}
