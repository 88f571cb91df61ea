/**
 * One direction of a session of packets of the 2022 edition, as its sender and
 * as its receiver has it; both variants.
 *
 * The AES variant has a subkey for each session, which is derived when it is
 * needed first. The ChaCha20 variant has none.
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
  /** Which packet of which session; AES: not authentic yet. */
  readonly head: PacketHead;
  /** ChaCha20 only: it is open, and authentic, with the head. */
  readonly body?: Uint8Array;
}

/**
 * Reads which packet it is.
 *
 * @param key Of a server with users, their identity key.
 * @throws {ProtocolError} `ERR_SS_TRUNCATED`; ChaCha20 also
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

/** Opens the packets of one session. */
export class PacketOpener {
  /** The session, as its sender named it. */
  readonly sessionId: Uint8Array;
  readonly #psk: Psk;
  #aead: Aead | undefined;

  /**
   * Derives nothing yet.
   *
   * @param sessionId 8 bytes; copied.
   */
  constructor(psk: Psk, sessionId: Uint8Array) {
    this.#psk = psk;
    this.sessionId = sessionId.slice();
  }

  /**
   * Opens the body.
   *
   * @param begun What {@link beginPacket} read; of this session.
   * @param identities How many identity headers it has.
   * @throws {ProtocolError} `ERR_SS_AUTHENTICATION`, `ERR_SS_TRUNCATED`.
   */
  open(packet: Uint8Array, begun: BegunPacket, identities = 0): Uint8Array {
    if (begun.body !== undefined) return begun.body;
    this.#aead ??= this.#psk.sessionAead(this.sessionId);
    return openPacket(packet, this.#aead, begun.head, identities);
  }

  /** Gives the key back, until it is needed again. Idempotent. */
  free(): void {
    this.#aead?.free();
    this.#aead = undefined;
  }
}

/** Seals the packets of one session, and counts them. */
export class PacketSealer {
  /** Random. */
  readonly sessionId: Uint8Array;
  readonly #chain: readonly Psk[];
  readonly #psk: Psk;
  readonly #randomBytes: RandomBytes;
  #aead: Aead | undefined;
  /** 64 bits do not wrap in the life of a process. */
  #nextId = 0n;

  /**
   * Draws the session id.
   *
   * @param psk Key of the session.
   * @param identityKeys Keys before it, in order; only a client has any.
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

  /** Seals a body as the session's next packet. */
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

  /** Gives the key back, until it is needed again. Idempotent. */
  free(): void {
    this.#aead?.free();
    this.#aead = undefined;
  }
}
