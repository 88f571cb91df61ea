/**
 * The server's side of a Shadowsocks request, without I/O: sealed bytes in,
 * target address and first payload out.
 *
 * Source: Shadowsocks AEAD ciphers, "TCP": plaintext = address | payload.
 *
 * @module
 */
import { concat } from "../bytes.ts";
import { type Address, decodeAddress } from "../codec/address.ts";
import { ChunkOpener } from "../codec/chunk_opener.ts";
import type { MasterKey } from "../crypto/aead.ts";
import { ProtocolError } from "../errors.ts";

/** What a client of `ss-server` asks for. */
export interface ShadowsocksRequest {
  /** Where to. */
  readonly address: Address;
  /** Payload that came with the address; may be empty. */
  readonly payload: Uint8Array;
}

/** Opens the request stream up to and including the address. */
export class RequestOpener {
  /** Opens the rest of the stream once the request is there. */
  readonly opener: ChunkOpener;
  /** The address may be split over chunks; it has 259 bytes at most. */
  #plaintext: Uint8Array = new Uint8Array(0);

  /** @param masterKey Key and method. */
  constructor(masterKey: MasterKey) {
    this.opener = new ChunkOpener(masterKey);
  }

  /**
   * Takes bytes as they arrive, split anywhere.
   *
   * @param bytes Borrowed.
   * @returns The request, or `undefined` when more bytes are needed.
   * @throws {ProtocolError} Any `ERR_SS_…`: the peer does not know the key, or
   * does not speak the protocol.
   */
  push(bytes: Uint8Array): ShadowsocksRequest | undefined {
    this.#plaintext = concat(this.#plaintext, this.opener.open(bytes));
    const decoded = decodeAddress(this.#plaintext);
    if (decoded === undefined) return undefined;
    const { address, length } = decoded;
    if (address.port === 0) {
      throw new ProtocolError(
        "ERR_SS_ADDRESS_INVALID",
        "Cannot accept request: port is 0",
      );
    }
    return { address, payload: this.#plaintext.subarray(length) };
  }
}
