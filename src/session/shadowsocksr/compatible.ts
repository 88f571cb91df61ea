/**
 * The suffix `_compatible` of a server: clients without the layer are served as
 * well.
 *
 * Security: the layer above authenticates clients. If it does not,
 * unauthenticated clients get as far as the address.
 *
 * @module
 */
import type { Layer } from "../layer.ts";
import type { Step } from "../stream_protocol.ts";
import type { Allocate } from "../../buffer_pool.ts";
import { concat, NOTHING } from "../../bytes.ts";
import { ProtocolError } from "../../errors.ts";

/** A layer that is skipped for clients without it. */
export class CompatibleLayer implements Layer {
  readonly #layer: Layer;
  /**
   * The bytes received until the kind of client is known; the layer limits
   * them.
   */
  #received: Uint8Array = NOTHING;
  #state: "unknown" | "spoken" | "absent" = "unknown";

  /**
   * @param layer Throws `ERR_SSR_OBFS` or `ERR_SS_AUTHENTICATION` if the client
   * does not use it.
   */
  constructor(layer: Layer) {
    this.#layer = layer;
  }

  wrap(payload: Uint8Array, allocate?: Allocate): Uint8Array {
    return this.#state === "absent"
      ? payload
      : this.#layer.wrap(payload, allocate);
  }

  unwrap(bytes: Uint8Array, allocate?: Allocate): Step {
    if (this.#state === "absent") return { payload: bytes };
    if (this.#state === "spoken") return this.#layer.unwrap(bytes, allocate);
    this.#received = concat(this.#received, bytes);
    try {
      const step = this.#layer.unwrap(bytes);
      if (step.payload.length > 0 || step.reply !== undefined) {
        this.#state = "spoken";
        this.#received = NOTHING;
      }
      return step;
    } catch (error) {
      if (!isForeign(error)) throw error;
      this.#state = "absent";
      const payload = this.#received;
      this.#received = NOTHING;
      return { payload };
    }
  }

  end(): void {
    if (this.#state !== "absent") this.#layer.end();
  }
}

/**
 * Any other error comes from a client that uses the layer and knows the key.
 */
function isForeign(error: unknown): boolean {
  return error instanceof ProtocolError &&
    (error.code === "ERR_SSR_OBFS" || error.code === "ERR_SS_AUTHENTICATION");
}
