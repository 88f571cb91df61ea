/**
 * The client of lightsocks as in the original programs: it only translates
 * bytes. The application itself uses SOCKS5 with the server.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";
import type { ClientSession, Step } from "../stream_protocol.ts";
import type { ByteTable } from "./byte_table.ts";

/** One connection. */
export class LightsocksTranslator implements ClientSession {
  readonly #table: ByteTable;

  /** @param table The table of the server. */
  constructor(table: ByteTable) {
    this.#table = table;
  }

  /** The target is part of the application's bytes. */
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
    // The stream has no units that could be truncated.
  }

  free(): void {
    // No key of a provider is held.
  }
}
