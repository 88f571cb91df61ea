/**
 * Streams of before 2017: each direction is an IV and encrypted bytes, and the
 * client's plaintext starts with the address.
 *
 * Security: nothing is authenticated. Who knows what a client or a target said
 * can change it on its way; the memory of IVs keeps a server from serving what
 * was recorded, and cures nothing else.
 *
 * Source: shadowsocks-libev 3.3.5.
 * Does not: know one-time authentication.
 *
 * @module
 */
import type { Allocate } from "../../buffer_pool.ts";
import { concat, NOTHING } from "../../bytes.ts";
import {
  type Address,
  decodeAddress,
  encodeAddress,
} from "../../codec/address.ts";
import { IvStreamOpener, IvStreamSealer } from "../../codec/iv_stream.ts";
import type { StreamKey } from "../../crypto/stream_key.ts";
import type { RandomBytes } from "../../random.ts";
import type {
  AcceptStep,
  ClientSession,
  ServerSession,
  Step,
  StreamSession,
} from "../stream_protocol.ts";
import { checkTargetPort } from "../target_port.ts";
import type { IvMemory } from "./iv_memory.ts";
import { refuseOneTimeAuth } from "./one_time_auth.ts";

/** Both directions; the sealer is made when there is something to seal. */
class Session implements StreamSession {
  readonly #key: StreamKey;
  readonly #randomBytes: RandomBytes;
  protected readonly opener: IvStreamOpener;
  #sealer: IvStreamSealer | undefined;

  /** Draws nothing yet. */
  constructor(key: StreamKey, randomBytes: RandomBytes) {
    this.#key = key;
    this.#randomBytes = randomBytes;
    this.opener = new IvStreamOpener(key);
  }

  seal(payload: Uint8Array, allocate?: Allocate): Uint8Array {
    this.#sealer ??= new IvStreamSealer(this.#key, this.#randomBytes);
    return this.#sealer.seal(payload, allocate);
  }

  open(bytes: Uint8Array, allocate?: Allocate): Step {
    return { payload: this.opener.open(bytes, allocate) };
  }

  end(): void {
    this.opener.end();
  }

  free(): void {
    this.opener.free();
    this.#sealer?.free();
  }
}

/** The end of `ss-local`. */
export class CipherClient extends Session implements ClientSession {
  request(address: Address, payload: Uint8Array): Uint8Array {
    return this.seal(concat(encodeAddress(address), payload));
  }
}

/** The end of `ss-server`. */
export class CipherServer extends Session implements ServerSession {
  readonly #memory: IvMemory;
  /** The address may come in pieces; it has 259 bytes at most. */
  #plaintext: Uint8Array = NOTHING;

  /**
   * Waits for a request.
   *
   * @param memory The IVs that were seen.
   */
  constructor(key: StreamKey, randomBytes: RandomBytes, memory: IvMemory) {
    super(key, (length) => {
      const iv = randomBytes(length);
      memory.rememberStream(iv);
      return iv;
    });
    this.#memory = memory;
  }

  accept(bytes: Uint8Array): AcceptStep {
    this.#plaintext = concat(this.#plaintext, this.opener.open(bytes));
    refuseOneTimeAuth(this.#plaintext, "request");
    const decoded = decodeAddress(this.#plaintext);
    if (decoded === undefined) return {};
    const { address, length } = decoded;
    checkTargetPort(address, "request");
    // Only now: most of what strangers send is no address, and is not worth
    // remembering.
    const question = this.#memory.acceptStream(this.opener.iv!);
    const payload = this.#plaintext.subarray(length);
    this.#plaintext = NOTHING;
    return { request: { address, payload }, ...question && { question } };
  }
}
