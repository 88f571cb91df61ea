/**
 * The client's session of a Shadowsocks 2022 stream.
 *
 * Source: SIP022 §3.1, SIP023.
 *
 * @module
 */
import type { Allocate } from "../../buffer_pool.ts";
import { concat, equalBytes } from "../../bytes.ts";
import { type Address, encodeAddress } from "../../codec/address.ts";
import { ChunkOpener } from "../../codec/chunk_opener.ts";
import { ChunkSealer } from "../../codec/chunk_sealer.ts";
import {
  decodeResponseHeader,
  encodeRequestBody,
  encodeRequestHeader,
  RESPONSE_HEADER_LENGTH,
} from "../../codec/stream_header_2022.ts";
import { UnitBuffer } from "../../codec/unit_buffer.ts";
import { NonceCounter } from "../../crypto/nonce_counter.ts";
import type { Psk } from "../../crypto/psk.ts";
import { ProtocolError } from "../../errors.ts";
import { MAX_PADDING_LENGTH, TAG_LENGTH } from "../../limits.ts";
import { randomBelow } from "../../random.ts";
import { openHeader } from "./open_header.ts";
import type { SessionWorld } from "../family.ts";
import type { ClientSession, Step } from "../stream_protocol.ts";
import { checkTimestamp, unixSeconds } from "./timestamp.ts";

/** One session: a request, then chunks in both directions. */
export class Client2022 implements ClientSession {
  readonly #psk: Psk;
  readonly #identityKeys: readonly Psk[];
  readonly #world: SessionWorld;
  readonly #sealer: ChunkSealer;
  /** The salt of the request, which the response must name. */
  #requestSalt: Uint8Array | undefined;
  /** Salt and fixed header of the response, until it is complete. */
  #head: UnitBuffer | undefined;
  #opener: ChunkOpener | undefined;
  #peerUnixSeconds: number | undefined;

  /**
   * Makes a session with a random salt.
   *
   * @param psk The key of the session.
   * @param identityKeys The keys of the servers before it, in order.
   */
  constructor(psk: Psk, identityKeys: readonly Psk[], world: SessionWorld) {
    this.#psk = psk;
    this.#identityKeys = identityKeys;
    this.#world = world;
    this.#sealer = new ChunkSealer(psk, world.randomBytes);
    this.#requestSalt = this.#sealer.salt;
    const { saltLength } = psk.method;
    this.#head = new UnitBuffer(
      saltLength + RESPONSE_HEADER_LENGTH + saltLength + TAG_LENGTH,
    );
  }

  get peerUnixSeconds(): number | undefined {
    return this.#peerUnixSeconds;
  }

  request(address: Address, payload: Uint8Array): Uint8Array {
    const { clock, randomBytes } = this.#world;
    // A request without payload needs padding; padding hides the length of a
    // short payload.
    const least = payload.length === 0 ? 1 : 0;
    const most = Math.max(0, MAX_PADDING_LENGTH - payload.length);
    const padding = least + randomBelow(most + 1 - least, randomBytes);
    const room = 0xffff - encodeAddress(address).length - 2 - padding;
    const body = encodeRequestBody(
      address,
      padding,
      payload.subarray(0, room),
    );
    const header = encodeRequestHeader({
      unixSeconds: unixSeconds(clock),
      length: body.length,
    });
    const start = this.#sealer.start(this.#identityHeaders(), [header, body]);
    return payload.length > room
      ? concat(start, this.seal(payload.subarray(room)))
      : start;
  }

  seal(payload: Uint8Array, allocate?: Allocate): Uint8Array {
    return this.#sealer.seal(payload, allocate);
  }

  open(bytes: Uint8Array, allocate?: Allocate): Step {
    if (this.#opener !== undefined) {
      return { payload: this.#opener.open(bytes, allocate) };
    }
    const head = this.#head!;
    const rest = head.take(bytes);
    if (rest === undefined) return NOTHING;
    this.#opener = this.#openHead(head.unit);
    this.#head = this.#requestSalt = undefined;
    return { payload: this.#opener.open(rest, allocate) };
  }

  end(): void {
    if (this.#opener !== undefined) return this.#opener.end();
    // Without any byte, the server could not reach the target.
    const { length, missing } = this.#head!;
    if (length > 0) {
      throw new ProtocolError(
        "ERR_SS_TRUNCATED",
        `Cannot open response: it ended ${missing} bytes before the end of ` +
          "its header",
      );
    }
  }

  free(): void {
    this.#sealer.free();
    this.#opener?.free();
  }

  /**
   * Each header identifies the next key of the chain; the last one identifies
   * ours.
   */
  #identityHeaders(): Uint8Array {
    const chain = [...this.#identityKeys, this.#psk];
    return concat(
      ...this.#identityKeys.map((key, i) =>
        key.identityCipher(this.#sealer.salt).encrypt(
          chain[i + 1]!.identityHash,
        )
      ),
    );
  }

  #openHead(head: Uint8Array): ChunkOpener {
    const { saltLength, nonceLength } = this.#psk.method;
    const aead = this.#psk.sessionAead(head.subarray(0, saltLength));
    try {
      const nonce = new NonceCounter(nonceLength);
      const { unixSeconds, requestSalt, length } = decodeResponseHeader(
        openHeader(aead, nonce, head.subarray(saltLength), "fixed header"),
      );
      checkTimestamp(unixSeconds, this.#world.clock);
      if (!equalBytes(requestSalt, this.#requestSalt!)) {
        throw new ProtocolError(
          "ERR_SS_SALT_MISMATCH",
          "Cannot accept response: it belongs to another request",
        );
      }
      this.#peerUnixSeconds = unixSeconds;
      return new ChunkOpener(this.#psk, { aead, nonce, payloadLength: length });
    } catch (error) {
      aead.free();
      throw error;
    }
  }
}

const NOTHING: Step = { payload: new Uint8Array(0) };
