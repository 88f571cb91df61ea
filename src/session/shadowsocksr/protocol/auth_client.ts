/**
 * The protocols `auth_*` as a layer of the client.
 *
 * @module
 */
import type { Allocate } from "../../../buffer_pool.ts";
import type { Layer } from "../../layer.ts";
import type { Step } from "../../stream_protocol.ts";
import { concat, NOTHING } from "../../../bytes.ts";
import type { AuthClient } from "./auth_protocol.ts";
import { packAll, PacketStream } from "./packet_stream.ts";

/** The layer of one connection. */
export class AuthClientLayer implements Layer {
  readonly #client: AuthClient;
  readonly #packets: PacketStream;
  #hasSent = false;

  /** Makes a layer that has sent nothing. */
  constructor(client: AuthClient) {
    this.#client = client;
    this.#packets = new PacketStream(client.reader);
  }

  wrap(payload: Uint8Array, allocate?: Allocate): Uint8Array {
    if (payload.length === 0) return payload;
    if (this.#hasSent) return packAll(this.#client.writer, payload, allocate);
    this.#hasSent = true;
    const { bytes, taken } = this.#client.header(payload);
    const rest = payload.subarray(taken);
    return rest.length === 0
      ? bytes
      : concat(bytes, packAll(this.#client.writer, rest));
  }

  unwrap(bytes: Uint8Array, allocate?: Allocate): Step {
    return { payload: this.#packets.open(bytes, allocate)?.payload ?? NOTHING };
  }

  end(): void {
    this.#packets.end();
  }
}
