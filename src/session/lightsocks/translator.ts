/**
 * The end of a lightsocks local as the originals have it: it translates bytes
 * and knows nothing of SOCKS, which the application speaks with the server.
 *
 * @module
 */
import type { Step, StreamSession } from "../stream_protocol.ts";
import type { ByteTable } from "./byte_table.ts";

/** One connection. */
export class LightsocksTranslator implements StreamSession {
  readonly #table: ByteTable;

  /** @param table The server's. */
  constructor(table: ByteTable) {
    this.#table = table;
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
