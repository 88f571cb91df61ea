/**
 * The end of a lightsocks local as the originals have it: it translates bytes
 * and knows nothing of SOCKS, which the application speaks with the server.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";
import type { ClientSession, Step } from "../stream_protocol.ts";
import type { ByteTable } from "./byte_table.ts";

/** One connection. */
export class LightsocksTranslator implements ClientSession {
  readonly #table: ByteTable;

  /** @param table The server's. */
  constructor(table: ByteTable) {
    this.#table = table;
  }

  /** The target is in what the application sends. */
  request(_address: Address, payload: Uint8Array): Uint8Array {
    return this.seal(payload);
  }

  seal(payload: Uint8Array): Uint8Array {
    return this.#table.encode(payload);
  }

  open(bytes: Uint8Array): Step {
    return { payload: this.#table.decode(bytes) };
  }

  end(): void {
    // There is nothing that could be cut.
  }

  free(): void {
    // It holds nothing of a provider's.
  }
}
