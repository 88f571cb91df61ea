/**
 * The server's session of a Shadowsocks 2022 stream.
 *
 * The salt is recorded once the fixed header is authenticated and its time
 * stamp is valid. The first read need not contain the whole header: see
 * decision 0021.
 *
 * Source: SIP022 §3.1, SIP023.
 *
 * @module
 */
import type { Allocate } from "../../buffer_pool.ts";
import { concat } from "../../bytes.ts";
import { ChunkOpener } from "../../codec/chunk_opener.ts";
import { ChunkSealer } from "../../codec/chunk_sealer.ts";
import {
  decodeRequestBody,
  decodeRequestHeader,
  encodeResponseHeader,
  REQUEST_HEADER_LENGTH,
} from "../../codec/stream_header_2022.ts";
import { UnitBuffer } from "../../codec/unit_buffer.ts";
import type { Aead } from "../../crypto/aead.ts";
import { BLOCK_LENGTH } from "../../crypto/block_cipher.ts";
import { NonceCounter } from "../../crypto/nonce_counter.ts";
import type { Psk } from "../../crypto/psk.ts";
import { MAX_CHUNK_PAYLOAD_2022, TAG_LENGTH } from "../../limits.ts";
import type { UserTable } from "./users.ts";
import { openHeader } from "./open_header.ts";
import type { ServerWorld } from "../family.ts";
import { refuseReplay } from "../replay.ts";
import type { AcceptStep, ServerSession, Step } from "../stream_protocol.ts";
import { checkTargetPort } from "../target_port.ts";
import { checkTimestamp, notRemembered, unixSeconds } from "./timestamp.ts";

/** A request whose fixed header was decrypted. */
interface Begun {
  /** The key of the session: the user's, if there are users. */
  readonly psk: Psk;
  readonly user?: string;
  readonly aead: Aead;
  readonly nonce: NonceCounter;
  /** The variable header. */
  readonly body: UnitBuffer;
  /** See {@link AcceptStep.question}. */
  readonly question: Promise<boolean> | undefined;
}

/** One session: a request, then chunks in both directions. */
export class Server2022 implements ServerSession {
  readonly #psk: Psk;
  readonly #users: UserTable | undefined;
  readonly #world: ServerWorld;
  /**
   * Salt, identity header and fixed header of the request, until the response
   * has named the salt.
   */
  #head: UnitBuffer | undefined;
  /** The request, until it is complete. */
  #begun: Begun | undefined;
  /** The key of a complete request: the user's, if there are users. */
  #key: Psk | undefined;
  #opener: ChunkOpener | undefined;
  #sealer: ChunkSealer | undefined;

  /**
   * Makes a session that waits for a request.
   *
   * @param psk The key of the session; with users, their identity key.
   */
  constructor(psk: Psk, users: UserTable | undefined, world: ServerWorld) {
    this.#psk = psk;
    this.#users = users;
    this.#world = world;
    this.#head = new UnitBuffer(
      psk.method.saltLength + (users === undefined ? 0 : BLOCK_LENGTH) +
        REQUEST_HEADER_LENGTH + TAG_LENGTH,
    );
  }

  accept(bytes: Uint8Array): AcceptStep {
    let rest: Uint8Array | undefined = bytes;
    if (this.#begun === undefined) {
      const head = this.#head!;
      rest = head.take(bytes);
      if (rest === undefined) return {};
      this.#begun = this.#begin(head.unit);
    }
    const { body, psk, aead, nonce, user, question } = this.#begun;
    rest = body.take(rest);
    if (rest === undefined) return {};
    const { address, payload } = decodeRequestBody(
      openHeader(aead, nonce, body.unit, "variable header"),
    );
    checkTargetPort(address, "request");
    this.#opener = new ChunkOpener(psk, { aead, nonce });
    this.#key = psk;
    this.#begun = undefined;
    const request = {
      address,
      payload: rest.length > 0
        ? concat(payload, this.#opener.open(rest))
        : payload,
      ...(user !== undefined && { user }),
    };
    return { request, ...question && { question } };
  }

  open(bytes: Uint8Array, allocate?: Allocate): Step {
    if (this.#opener === undefined) {
      throw new TypeError("Cannot open: the request is not complete yet");
    }
    return { payload: this.#opener.open(bytes, allocate) };
  }

  seal(payload: Uint8Array, allocate?: Allocate): Uint8Array {
    if (this.#sealer !== undefined) {
      return this.#sealer.seal(payload, allocate);
    }
    if (payload.length === 0) return payload;
    if (this.#key === undefined) {
      throw new TypeError("Cannot seal: the request is not complete yet");
    }
    const sealer = new ChunkSealer(this.#key, this.#world.randomBytes);
    this.#sealer = sealer;
    const first = payload.subarray(0, MAX_CHUNK_PAYLOAD_2022);
    const header = encodeResponseHeader({
      unixSeconds: unixSeconds(this.#world.clock),
      requestSalt: this.#salt,
      length: first.length,
    });
    this.#head = undefined;
    const start = sealer.start(new Uint8Array(0), [header, first]);
    return first.length < payload.length
      ? concat(start, sealer.seal(payload.subarray(first.length)))
      : start;
  }

  end(): void {
    this.#opener?.end();
  }

  free(): void {
    this.#begun?.aead.free();
    this.#opener?.free();
    this.#sealer?.free();
  }

  get #salt(): Uint8Array {
    return this.#head!.unit.subarray(0, this.#psk.method.saltLength);
  }

  /** Finds the user, checks the key, and asks the replay filter. */
  #begin(head: Uint8Array): Begun {
    const { saltLength, nonceLength } = this.#psk.method;
    const who = this.#identify(head.subarray(saltLength));
    const aead = who.psk.sessionAead(this.#salt);
    try {
      const nonce = new NonceCounter(nonceLength);
      const sealed = head.subarray(-REQUEST_HEADER_LENGTH - TAG_LENGTH);
      const { unixSeconds, length } = decodeRequestHeader(
        openHeader(aead, nonce, sealed, "fixed header"),
      );
      checkTimestamp(unixSeconds, this.#world.clock);
      const question = this.#checkNew(unixSeconds);
      const body = new UnitBuffer(length + TAG_LENGTH);
      return { ...who, aead, nonce, body, question };
    } catch (error) {
      aead.free();
      throw error;
    }
  }

  #identify(afterSalt: Uint8Array): { psk: Psk; user?: string } {
    if (this.#users === undefined) return { psk: this.#psk };
    const hash = this.#psk.identityCipher(this.#salt)
      .decrypt(afterSalt.subarray(0, BLOCK_LENGTH));
    const { psk, name } = this.#users.find(hash);
    return { psk, user: name };
  }

  /**
   * Refuses salts that the filter has seen, and time stamps whose salts it may
   * have forgotten.
   */
  #checkNew(stampSeconds: number): Promise<boolean> | undefined {
    const { replayFilter } = this.#world;
    if (!replayFilter.remembers(stampSeconds)) throw notRemembered("request");
    return refuseReplay(replayFilter.add(this.#salt, stampSeconds));
  }
}
