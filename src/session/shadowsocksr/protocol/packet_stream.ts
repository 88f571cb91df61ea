/**
 * The packets of one direction, however they are split or joined.
 *
 * @module
 */
import { type Allocate, allocateFresh } from "../../../buffer_pool.ts";
import { concat, NOTHING } from "../../../bytes.ts";
import { ProtocolError } from "../../../errors.ts";
import { MAX_SSR_PACKET } from "../../../limits.ts";
import type { PacketReader, PacketWriter } from "./auth_protocol.ts";

/**
 * Splits a write into packets.
 *
 * @param allocate Allocates the result; default: new memory.
 */
export function packAll(
  writer: PacketWriter,
  payload: Uint8Array,
  allocate: Allocate = allocateFresh,
): Uint8Array {
  if (payload.length === 0) return payload;
  const { unit } = writer;
  const rest = payload.length % unit;
  const out = allocate(
    Math.floor(payload.length / unit) * writer.maxLength(unit) +
      (rest === 0 ? 0 : writer.maxLength(rest)),
  );
  let length = 0;
  for (let at = 0; at < payload.length; at += unit) {
    const data = payload.subarray(at, at + unit);
    length += writer.pack(data, payload.length, out.subarray(length));
  }
  return out.subarray(0, length);
}

/** Makes a packet without payload, which asks for or answers one. */
export function packEmpty(writer: PacketWriter): Uint8Array {
  const out = new Uint8Array(writer.maxLength(0));
  return out.subarray(0, writer.pack(NOTHING, 0, out));
}

/** The content of several packets. */
export interface OpenedPackets {
  /** The payload, owned by the caller. */
  readonly payload: Uint8Array;
  /** True if a packet was empty, which must be answered by an empty one. */
  readonly hasEmpty: boolean;
}

/** Reads a stream of packets. */
export class PacketStream {
  readonly #reader: PacketReader;
  /** An incomplete packet; its reader limits it. */
  #received: Uint8Array = NOTHING;

  /** @param reader Has the state of the direction. */
  constructor(reader: PacketReader) {
    this.#reader = reader;
  }

  /**
   * Reads all complete packets.
   *
   * @param allocate Allocates the payload; default: new memory.
   * @returns `undefined` if no packet is complete.
   * @throws {ProtocolError} As the reader.
   */
  open(
    bytes: Uint8Array,
    allocate: Allocate = allocateFresh,
  ): OpenedPackets | undefined {
    const parts: Uint8Array[] = [];
    let hasEmpty = false;
    const take = (from: Uint8Array): number => {
      const taken = this.#reader.take(from);
      if (taken === undefined) return 0;
      parts.push(taken.data);
      hasEmpty ||= taken.data.length === 0;
      return taken.length;
    };
    let rest = bytes;
    const received = this.#received;
    if (received.length > 0) {
      // No packet is longer. Bytes after the first packet are not copied.
      const first = concat(received, bytes.subarray(0, MAX_SSR_PACKET));
      const length = take(first);
      if (length === 0) {
        this.#received = first;
        return undefined;
      }
      rest = bytes.subarray(length - received.length);
    }
    for (let length; (length = take(rest)) > 0;) rest = rest.subarray(length);
    this.#received = rest.length === 0 ? NOTHING : rest.slice();
    if (parts.length === 0) return undefined;
    return { payload: join(parts, allocate), hasEmpty };
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

/** Joins the payload of packets. */
function join(
  parts: readonly Uint8Array[],
  allocate: Allocate,
): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = allocate(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
