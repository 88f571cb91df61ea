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
import { concat } from "../../bytes.ts";
import {
  type Address,
  decodeAddress,
  encodeAddress,
} from "../../codec/address.ts";
import { IvStreamOpener, IvStreamSealer } from "../../codec/iv_stream.ts";
import type { StreamKey } from "../../crypto/stream_key.ts";
import type { RandomBytes } from "../../random.ts";
import type {
  ClientSession,
  ServerSession,
  StreamProtocol,
  StreamRequest,
  StreamSession,
} from "../stream_protocol.ts";
import { checkTargetPort } from "../target_port.ts";
import type { IvMemory } from "./iv_memory.ts";
import { refuseOneTimeAuth } from "./one_time_auth.ts";

/**
 * Stream ciphers under one key.
 *
 * @param key Key and method.
 * @param randomBytes Makes the IVs.
 * @param memory Of a server: the IVs it has seen. Not set: replays are served.
 */
export function cipherStream(
  key: StreamKey,
  randomBytes: RandomBytes,
  memory?: IvMemory,
): StreamProtocol {
  return {
    client: () => new Client(key, randomBytes),
    server: () => new Server(key, randomBytes, memory),
  };
}

const NOTHING = new Uint8Array(0);

/** Both directions; the sealer is made when there is something to seal. */
class Session implements StreamSession {
  readonly #key: StreamKey;
  readonly #randomBytes: RandomBytes;
  protected readonly opener: IvStreamOpener;
  #sealer: IvStreamSealer | undefined;

  constructor(key: StreamKey, randomBytes: RandomBytes) {
    this.#key = key;
    this.#randomBytes = randomBytes;
    this.opener = new IvStreamOpener(key);
  }

  seal(payload: Uint8Array, allocate?: Allocate): Uint8Array {
    this.#sealer ??= new IvStreamSealer(this.#key, this.#randomBytes);
    return this.#sealer.seal(payload, allocate);
  }

  open(bytes: Uint8Array, allocate?: Allocate): Uint8Array {
    return this.opener.open(bytes, allocate);
  }

  end(): void {
    this.opener.end();
  }

  free(): void {
    this.opener.free();
    this.#sealer?.free();
  }
}

class Client extends Session implements ClientSession {
  request(address: Address, payload: Uint8Array): Uint8Array {
    return this.seal(concat(encodeAddress(address), payload));
  }
}

class Server extends Session implements ServerSession {
  readonly #memory: IvMemory | undefined;
  /** The address may come in pieces; it has 259 bytes at most. */
  #plaintext: Uint8Array = NOTHING;

  constructor(
    key: StreamKey,
    randomBytes: RandomBytes,
    memory: IvMemory | undefined,
  ) {
    super(key, (length) => {
      const iv = randomBytes(length);
      memory?.made(iv);
      return iv;
    });
    this.#memory = memory;
  }

  accept(bytes: Uint8Array): StreamRequest | undefined {
    this.#plaintext = concat(this.#plaintext, this.open(bytes));
    refuseOneTimeAuth(this.#plaintext, "request");
    const decoded = decodeAddress(this.#plaintext);
    if (decoded === undefined) return undefined;
    const { address, length } = decoded;
    checkTargetPort(address, "request");
    // Only now: most of what strangers send is no address, and is not worth
    // remembering.
    this.#memory?.accept(this.opener.iv!);
    const payload = this.#plaintext.subarray(length);
    this.#plaintext = NOTHING;
    return { address, payload };
  }
}
