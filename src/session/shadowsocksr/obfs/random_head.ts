/**
 * `random_head`: both ends start with random bytes. A checksum over those of
 * the client is all ones.
 *
 * ```text
 * client   random 4..99 | complement of their CRC-32, little endian
 * server   random 4..99
 * ```
 *
 * Neither contains its length. A server reads until the checksum is right. A
 * client drops its first read, and sends nothing before that.
 *
 * @module
 */
import type { Layer } from "../../layer.ts";
import type { Step } from "../../stream_protocol.ts";
import { concat, NOTHING } from "../../../bytes.ts";
import { crc32, CRC32_INITIAL, crc32Step } from "../../../codec/checksum.ts";
import { MAX_HELD_BYTES } from "../../../limits.ts";
import { randomBelow, type RandomBytes } from "../../../random.ts";
import { cutShort, foreign } from "./foreign.ts";

const MIN_RANDOM = 4;
const MAX_RANDOM = 99;
const CRC_LENGTH = 4;

/** The layer of one connection at the client. */
export class RandomHeadClient implements Layer {
  readonly #randomBytes: RandomBytes;
  #state: "new" | "waiting" | "open" = "new";
  /** Payload that waits for the server's random bytes. */
  #held: Uint8Array = NOTHING;

  /** Makes a layer that has sent nothing. */
  constructor(randomBytes: RandomBytes) {
    this.#randomBytes = randomBytes;
  }

  get isWaiting(): boolean {
    return this.#state === "waiting";
  }

  wrap(payload: Uint8Array): Uint8Array {
    if (this.#state === "open" || payload.length === 0) return payload;
    this.#held = hold(this.#held, payload);
    if (this.#state === "waiting") return NOTHING;
    this.#state = "waiting";
    const random = randomHead(this.#randomBytes);
    const rest = new Uint8Array(CRC_LENGTH);
    new DataView(rest.buffer).setUint32(0, ~crc32(random) >>> 0, true);
    return concat(random, rest);
  }

  unwrap(bytes: Uint8Array): Step {
    if (this.#state === "open") return { payload: bytes };
    const reply = this.#held;
    this.#state = "open";
    this.#held = NOTHING;
    return { payload: NOTHING, ...(reply.length > 0 && { reply }) };
  }

  end(): void {
    if (this.#state === "waiting") throw cutShort("random_head");
  }
}

/** The layer of one connection at the server. */
export class RandomHeadServer implements Layer {
  readonly #randomBytes: RandomBytes;
  #length = 0;
  #crcState = CRC32_INITIAL;
  #isOpen = false;

  /** Makes a layer that waits for random bytes. */
  constructor(randomBytes: RandomBytes) {
    this.#randomBytes = randomBytes;
  }

  wrap(payload: Uint8Array): Uint8Array {
    return payload;
  }

  unwrap(bytes: Uint8Array): Step {
    if (this.#isOpen) return { payload: bytes };
    for (const [i, byte] of bytes.entries()) {
      this.#crcState = crc32Step(this.#crcState, byte);
      this.#length++;
      // If the checksum is all ones, the state is all zeros.
      if (this.#length < MIN_RANDOM + CRC_LENGTH || this.#crcState !== 0) {
        continue;
      }
      this.#isOpen = true;
      return {
        payload: bytes.slice(i + 1),
        reply: randomHead(this.#randomBytes),
      };
    }
    if (this.#length >= MAX_RANDOM + CRC_LENGTH) {
      throw foreign("random_head", "its checksum is wrong");
    }
    return { payload: NOTHING };
  }

  end(): void {
    if (!this.#isOpen) throw cutShort("random_head");
  }
}

/** Appends payload to what a handshake holds back. */
export function hold(held: Uint8Array, payload: Uint8Array): Uint8Array {
  if (held.length + payload.length > MAX_HELD_BYTES) {
    throw new RangeError("Cannot seal: too much payload is held back");
  }
  return concat(held, payload);
}

function randomHead(randomBytes: RandomBytes): Uint8Array {
  const more = randomBelow(MAX_RANDOM - MIN_RANDOM + 1, randomBytes);
  return randomBytes(MIN_RANDOM + more);
}
