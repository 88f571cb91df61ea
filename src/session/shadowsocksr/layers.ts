/**
 * Layers on top of each other, as one.
 *
 * @module
 */
import { concat } from "../../bytes.ts";
import { type Layer, NOTHING, type Step } from "./step.ts";

/** A stack of layers. */
export class Layers implements Layer {
  /** The lowest one first. */
  readonly #layers: readonly Layer[];

  /** @param layers The one next to the connection first. */
  constructor(layers: readonly Layer[]) {
    this.#layers = layers;
  }

  seal(payload: Uint8Array): Uint8Array {
    return this.#sealBelow(this.#layers.length, payload);
  }

  open(bytes: Uint8Array): Step {
    let payload = bytes;
    const replies: Uint8Array[] = [];
    for (const [i, layer] of this.#layers.entries()) {
      if (payload.length === 0) break;
      const step = layer.open(payload);
      if (step.reply !== undefined) {
        replies.push(this.#sealBelow(i, step.reply));
      }
      payload = step.payload;
    }
    const reply = concat(...replies);
    return { payload, ...(reply.length > 0 && { reply }) };
  }

  end(): void {
    for (const layer of this.#layers) layer.end();
  }

  #sealBelow(count: number, payload: Uint8Array): Uint8Array {
    let bytes = payload;
    for (let i = count - 1; i >= 0; i--) {
      if (bytes.length === 0) return NOTHING;
      bytes = this.#layers[i]!.seal(bytes);
    }
    return bytes;
  }
}
