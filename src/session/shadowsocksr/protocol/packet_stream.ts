/**
 * Packets of one direction, however they are split or joined.
 *
 * @module
 */
import { concat, NOTHING } from "../../../bytes.ts";
import { ProtocolError } from "../../../errors.ts";
import type { PacketReader, PacketWriter } from "./auth_protocol.ts";

/** Cuts a write into packets. */
export function packAll(
  writer: PacketWriter,
  payload: Uint8Array,
): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += writer.unit) {
    const data = payload.subarray(at, at + writer.unit);
    parts.push(writer.pack(data, payload.length));
  }
  return parts.length === 1 ? parts[0]! : concat(...parts);
}

/** What packets held. */
export interface OpenedPackets {
  /** All payload, owned by the caller. */
  readonly payload: Uint8Array;
  /** True if one of them was empty, which asks for an empty one. */
  readonly hasEmpty: boolean;
}

/** Opens packets. */
export class PacketStream {
  readonly #reader: PacketReader;
  /** A packet that is not whole; its reader bounds it. */
  #received: Uint8Array = NOTHING;

  /** @param reader Keeps the state of the direction. */
  constructor(reader: PacketReader) {
    this.#reader = reader;
  }

  /**
   * Opens what is whole.
   *
   * @returns `undefined` when no packet is.
   * @throws {ProtocolError} As the reader.
   */
  open(bytes: Uint8Array): OpenedPackets | undefined {
    let rest = this.#received.length === 0
      ? bytes
      : concat(this.#received, bytes);
    const parts: Uint8Array[] = [];
    let hasEmpty = false;
    for (;;) {
      const taken = this.#reader.take(rest);
      if (taken === undefined) break;
      rest = rest.subarray(taken.length);
      parts.push(taken.data);
      hasEmpty ||= taken.data.length === 0;
    }
    this.#received = rest.slice();
    return parts.length === 0
      ? undefined
      : { payload: concat(...parts), hasEmpty };
  }

  /** @throws {ProtocolError} `ERR_SS_TRUNCATED` inside a packet. */
  end(): void {
    if (this.#received.length === 0) return;
    throw new ProtocolError(
      "ERR_SS_TRUNCATED",
      "Cannot open stream: it ended inside a packet",
    );
  }
}
