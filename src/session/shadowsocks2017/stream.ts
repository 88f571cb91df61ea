/**
 * Streams of AEAD 2017. Each direction consists of a salt and chunks, and the
 * client's plaintext starts with the address.
 *
 * Source: Shadowsocks AEAD ciphers, "TCP".
 *
 * @module
 */
import type { Allocate } from "../../buffer_pool.ts";
import { concat, NOTHING, viewOf } from "../../bytes.ts";
import {
  type Address,
  decodeAddress,
  encodeAddress,
} from "../../codec/address.ts";
import { ChunkOpener } from "../../codec/chunk_opener.ts";
import { ChunkSealer } from "../../codec/chunk_sealer.ts";
import { UnitBuffer } from "../../codec/unit_buffer.ts";
import type { MasterKey } from "../../crypto/aead.ts";
import type { RandomBytes } from "../../random.ts";
import type { ReplayFilter } from "../../security/replay_filter.ts";
import type { ServerWorld } from "../family.ts";
import { refuseReplay } from "../replay.ts";
import type {
  AcceptStep,
  ClientSession,
  ServerSession,
  Step,
  StreamSession,
} from "../stream_protocol.ts";
import { checkTargetPort } from "../target_port.ts";

/** Both directions. The sealer is made when it is first needed. */
class Session implements StreamSession {
  readonly #masterKey: MasterKey;
  readonly #randomBytes: RandomBytes;
  readonly #opener: ChunkOpener;
  #sealer: ChunkSealer | undefined;

  /**
   * Makes a session; keys are derived later.
   *
   * @param masterKey Key and method.
   * @param randomBytes Makes the salt of the outgoing direction.
   */
  constructor(masterKey: MasterKey, randomBytes: RandomBytes) {
    this.#masterKey = masterKey;
    this.#randomBytes = randomBytes;
    this.#opener = new ChunkOpener(masterKey);
  }

  seal(payload: Uint8Array, allocate?: Allocate): Uint8Array {
    this.#sealer ??= new ChunkSealer(this.#masterKey, this.#randomBytes);
    return this.#sealer.seal(payload, allocate);
  }

  open(bytes: Uint8Array, allocate?: Allocate): Step {
    return { payload: this.#opener.open(bytes, allocate) };
  }

  end(): void {
    this.#opener.end();
  }

  free(): void {
    this.#opener.free();
    this.#sealer?.free();
  }
}

/** The client's session. */
export class Client2017 extends Session implements ClientSession {
  request(address: Address, payload: Uint8Array): Uint8Array {
    return this.seal(concat(encodeAddress(address), payload));
  }
}

/** The server's session. */
export class Server2017 extends Session implements ServerSession {
  readonly #filter: ReplayFilter;
  /** The salt of the request, until it was checked. */
  #salt: UnitBuffer | undefined;
  /** The address may be split over chunks; it has at most 259 bytes. */
  #plaintext: Uint8Array = NOTHING;

  /**
   * Makes a session that waits for a request.
   *
   * @param masterKey Key and method.
   */
  constructor(masterKey: MasterKey, world: ServerWorld) {
    const { randomBytes, replayFilter } = world;
    super(masterKey, (length) => {
      const salt = randomBytes(length);
      replayFilter.remember(salt);
      return salt;
    });
    this.#filter = replayFilter;
    this.#salt = new UnitBuffer(masterKey.method.saltLength);
  }

  accept(bytes: Uint8Array): AcceptStep {
    const salt = this.#salt;
    if (salt === undefined) {
      throw new TypeError("Cannot accept: the request is complete");
    }
    salt.take(bytes);
    const { payload: opened } = this.open(bytes);
    this.#plaintext = this.#plaintext.length === 0
      ? opened
      : concat(this.#plaintext, opened);
    const decoded = decodeAddress(this.#plaintext);
    if (decoded === undefined) return {};
    const { address, length } = decoded;
    checkTargetPort(address, "request");
    const question = refuseReplay(this.#filter.add(salt.unit));
    this.#salt = undefined;
    const payload = viewOf(this.#plaintext, length);
    this.#plaintext = NOTHING;
    return { request: { address, payload }, ...question && { question } };
  }
}
