/**
 * Streams of stream ciphers. Each direction consists of an IV and encrypted
 * bytes, and the client's plaintext starts with the address.
 *
 * Security: nothing is authenticated. An attacker who knows a part of the
 * plaintext can change it on the way. The memory of IVs only prevents replays.
 *
 * Source: shadowsocks-libev 3.3.5, without one-time authentication.
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

/** Both directions. The sealer is made when it is first needed. */
class Session implements StreamSession {
  readonly #key: StreamKey;
  readonly #randomBytes: RandomBytes;
  protected readonly opener: IvStreamOpener;
  #sealer: IvStreamSealer | undefined;

  /** Makes a session; the IV is drawn later. */
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

/** The client's session. */
export class CipherClient extends Session implements ClientSession {
  request(address: Address, payload: Uint8Array): Uint8Array {
    return this.seal(concat(encodeAddress(address), payload));
  }
}

/** The server's session. */
export class CipherServer extends Session implements ServerSession {
  readonly #memory: IvMemory;
  /** The address may arrive in parts; it has at most 259 bytes. */
  #plaintext: Uint8Array = NOTHING;

  /**
   * Makes a session that waits for a request.
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
    // The IV is recorded only now, because most invalid requests contain no
    // address.
    const question = this.#memory.acceptStream(this.opener.iv!);
    const payload = this.#plaintext.subarray(length);
    this.#plaintext = NOTHING;
    return { request: { address, payload }, ...question && { question } };
  }
}
