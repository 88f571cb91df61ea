/**
 * Streams of the 2017 edition: each direction is salt and chunks, and the
 * client's plaintext starts with the address.
 *
 * Source: Shadowsocks AEAD ciphers, "TCP".
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
import { ChunkOpener } from "../../codec/chunk_opener.ts";
import { ChunkSealer } from "../../codec/chunk_sealer.ts";
import { UnitBuffer } from "../../codec/unit_buffer.ts";
import type { MasterKey } from "../../crypto/aead.ts";
import type { RandomBytes } from "../../random.ts";
import { replayed, type SaltFilter } from "../salt_filter.ts";
import type {
  ClientSession,
  ServerSession,
  StreamProtocol,
  StreamRequest,
  StreamSession,
} from "../stream_protocol.ts";
import { checkTargetPort } from "../target_port.ts";

/**
 * The 2017 edition under one key.
 *
 * @param masterKey Key and method.
 * @param randomBytes Makes the salts.
 * @param filter Of a server: the salts it has seen. Not set: replays are
 * served.
 */
export function aead2017Stream(
  masterKey: MasterKey,
  randomBytes: RandomBytes,
  filter?: SaltFilter,
): StreamProtocol {
  return {
    client: () => new Client(masterKey, randomBytes),
    server: () => new Server(masterKey, randomBytes, filter),
  };
}

const NOTHING = new Uint8Array(0);

/** Both directions; the sealer is made when there is something to seal. */
class Session implements StreamSession {
  readonly #masterKey: MasterKey;
  readonly #randomBytes: RandomBytes;
  readonly #opener: ChunkOpener;
  #sealer: ChunkSealer | undefined;

  constructor(masterKey: MasterKey, randomBytes: RandomBytes) {
    this.#masterKey = masterKey;
    this.#randomBytes = randomBytes;
    this.#opener = new ChunkOpener(masterKey);
  }

  seal(payload: Uint8Array, allocate?: Allocate): Uint8Array {
    this.#sealer ??= new ChunkSealer(this.#masterKey, this.#randomBytes);
    return this.#sealer.seal(payload, allocate);
  }

  open(bytes: Uint8Array, allocate?: Allocate): Uint8Array {
    return this.#opener.open(bytes, allocate);
  }

  end(): void {
    this.#opener.end();
  }

  free(): void {
    this.#opener.free();
    this.#sealer?.free();
  }
}

class Client extends Session implements ClientSession {
  request(address: Address, payload: Uint8Array): Uint8Array {
    return this.seal(concat(encodeAddress(address), payload));
  }
}

class Server extends Session implements ServerSession {
  readonly #filter: SaltFilter | undefined;
  readonly #salt: UnitBuffer;
  /** The address may be split over chunks; it has 259 bytes at most. */
  #plaintext: Uint8Array = NOTHING;

  constructor(
    masterKey: MasterKey,
    randomBytes: RandomBytes,
    filter: SaltFilter | undefined,
  ) {
    super(masterKey, (length) => {
      const salt = randomBytes(length);
      // What we send must not be served when it is sent back to us.
      filter?.add(salt);
      return salt;
    });
    this.#filter = filter;
    this.#salt = new UnitBuffer(masterKey.method.saltLength);
  }

  accept(bytes: Uint8Array): StreamRequest | undefined {
    this.#salt.take(bytes);
    this.#plaintext = concat(this.#plaintext, this.open(bytes));
    const decoded = decodeAddress(this.#plaintext);
    if (decoded === undefined) return undefined;
    const { address, length } = decoded;
    checkTargetPort(address, "request");
    if (this.#filter?.add(this.#salt.unit) === false) throw replayed();
    const payload = this.#plaintext.subarray(length);
    this.#plaintext = NOTHING;
    return { address, payload };
  }
}
