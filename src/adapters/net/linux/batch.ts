/**
 * Receives and sends several datagrams in one call: recvmmsg(2) and
 * sendmmsg(2). All sockets of a thread share the memory.
 *
 * Wire form: `struct mmsghdr`, of 16 words: address (2), its length (1), unused
 * (1), `struct iovec[]` (2), their number (2), control data (2), its length
 * (2), flags (1), unused (1), bytes received or sent (1), unused (1). `struct
 * iovec`, of 4 words: address (2), length (2).
 *
 * @module
 */
import { cutBytes } from "../../../bytes.ts";
import {
  DATAGRAM_BATCH,
  MAX_DATAGRAM_LENGTH,
  SEND_BATCH_BYTES,
} from "../../../limits.ts";
import type { Datagram } from "../../../transport.ts";
import { toUsize } from "../../crypto/_library.ts";
import { ADDRESS_LENGTH, decodeAddress, decodeKnown } from "./addresses.ts";
import {
  c,
  IP_RECVORIGDSTADDR,
  IPV6_RECVORIGDSTADDR,
  mapMemory,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  NULL,
  type Option,
  readMemory,
  writeMemory,
} from "./libc.ts";

const HEADER_WORDS = 16;
const NAME_LENGTH = 2;
const CONTROL_LENGTH = 10;
const LENGTH = 14;

/** Length of `struct iovec` in bytes. */
const VECTOR = 16;

/** Room for one datagram, in whole pages. */
const SLOT: number = Math.ceil(MAX_DATAGRAM_LENGTH / 4_096) * 4_096;

/** Room for an address, in bytes. */
const NAME = 32;

/** `struct cmsghdr`: length (8), level (4), type (4). */
const CONTROL_HEADER = 16;

/**
 * Room for an `IPV6_ORIGDSTADDR` (28 bytes) with its header, padded to 8 bytes.
 */
const CONTROL: number = CONTROL_HEADER + 32;

/** Room for an address and control data, padded to 128 bytes. */
const ENVELOPE = 128;

/** Datagrams that were received together. */
export class ReceiveBatch {
  readonly #headers: Uint32Array;
  readonly #headerBytes: Uint8Array;
  readonly #data: number;
  readonly #envelopesAt: number;
  readonly #envelopes: Uint8Array = new Uint8Array(DATAGRAM_BATCH * ENVELOPE);
  readonly #view: DataView = new DataView(this.#envelopes.buffer);
  #count = 0;

  constructor() {
    this.#data = mapMemory(DATAGRAM_BATCH * SLOT);
    this.#envelopesAt = mapMemory(DATAGRAM_BATCH * ENVELOPE);
    const vectors = mapMemory(DATAGRAM_BATCH * VECTOR);
    const table = new Uint32Array(DATAGRAM_BATCH * VECTOR / 4);
    this.#headers = new Uint32Array(DATAGRAM_BATCH * HEADER_WORDS);
    this.#headerBytes = new Uint8Array(this.#headers.buffer);
    for (let i = 0; i < DATAGRAM_BATCH; i++) {
      putAddress(table, 4 * i, this.#data + i * SLOT);
      table[4 * i + 2] = SLOT;
      const at = HEADER_WORDS * i;
      const envelope = this.#envelopesAt + i * ENVELOPE;
      putAddress(this.#headers, at, envelope);
      putAddress(this.#headers, at + 4, vectors + i * VECTOR);
      this.#headers[at + 6] = 1;
      putAddress(this.#headers, at + 8, envelope + NAME);
    }
    writeMemory(vectors, new Uint8Array(table.buffer));
    this.#count = DATAGRAM_BATCH;
  }

  /**
   * Receives the waiting datagrams of a socket.
   *
   * @returns The number of datagrams; -1 if there are none, or on failure.
   */
  receive(descriptor: number): number {
    for (let i = 0; i < this.#count; i++) {
      // The last call has overwritten the lengths with those that it used.
      const at = HEADER_WORDS * i;
      this.#headers[at + NAME_LENGTH] = ADDRESS_LENGTH;
      this.#headers[at + CONTROL_LENGTH] = CONTROL;
    }
    const count = c.recvmmsg(
      descriptor,
      this.#headerBytes,
      DATAGRAM_BATCH,
      MSG_DONTWAIT,
      NULL,
    );
    this.#count = Math.max(0, count);
    const used = this.#count * ENVELOPE;
    readMemory(this.#envelopesAt, this.#envelopes, used);
    return count;
  }

  /**
   * Returns datagram number `i`; the caller owns the payload.
   *
   * @param isRedirected True if each datagram comes with its original target.
   */
  at(i: number, isRedirected: boolean): Datagram {
    const payload = cutBytes(this.#headers[HEADER_WORDS * i + LENGTH]!);
    readMemory(this.#data + i * SLOT, payload);
    const from = decodeKnown(this.#envelopes, i * ENVELOPE);
    if (!isRedirected) return { payload, from };
    const to = this.#find(i, IP_RECVORIGDSTADDR) ??
      this.#find(i, IPV6_RECVORIGDSTADDR);
    return {
      payload,
      from,
      ...to !== undefined && { to: decodeAddress(this.#envelopes, to) },
    };
  }

  /** Returns the offset of the value of a control message. */
  #find(i: number, [level, type]: Option): number | undefined {
    let at = i * ENVELOPE + NAME;
    const end = at + this.#headers[HEADER_WORDS * i + CONTROL_LENGTH]!;
    while (at + CONTROL_HEADER <= end) {
      const isIt = this.#view.getUint32(at + 8, true) === level &&
        this.#view.getUint32(at + 12, true) === type;
      if (isIt) return at + CONTROL_HEADER;
      // Messages are padded to 8 bytes; a damaged length must not stop the
      // scan.
      const length = this.#view.getUint32(at, true);
      at += Math.max(CONTROL_HEADER, Math.ceil(length / 8) * 8);
    }
    return undefined;
  }
}

/** A datagram to be sent. */
export interface Outgoing {
  /** Borrowed. */
  readonly payload: Uint8Array;
  readonly address: Uint8Array;
}

/** Datagrams that are sent together. */
export class SendBatch {
  readonly #headers: Uint32Array;
  readonly #headerBytes: Uint8Array;
  readonly #memory: number;
  /** Copies of vectors, addresses and payloads, in the layout of the memory. */
  readonly #copy: Uint8Array = new Uint8Array(PAYLOADS + SEND_BATCH_BYTES);
  readonly #vectors: Uint32Array = new Uint32Array(
    this.#copy.buffer,
    0,
    DATAGRAM_BATCH * VECTOR / 4,
  );

  constructor() {
    this.#memory = mapMemory(this.#copy.length);
    this.#headers = new Uint32Array(DATAGRAM_BATCH * HEADER_WORDS);
    this.#headerBytes = new Uint8Array(this.#headers.buffer);
    for (let i = 0; i < DATAGRAM_BATCH; i++) {
      const at = HEADER_WORDS * i;
      putAddress(this.#headers, at, this.#memory + NAMES + i * NAME);
      putAddress(this.#headers, at + 4, this.#memory + i * VECTOR);
      this.#headers[at + 6] = 1;
    }
  }

  /**
   * Sends the first datagrams of a queue.
   *
   * @param first Index of the first datagram.
   * @returns How many the system accepted; -1 if it did not accept the first.
   */
  send(
    descriptor: number,
    queue: readonly Outgoing[],
    first: number,
  ): number {
    const count = this.#fit(queue, first);
    if (count <= 1) return sendOne(descriptor, queue[first]!);
    let end = PAYLOADS;
    for (let i = 0; i < count; i++) {
      const { payload, address } = queue[first + i]!;
      putAddress(this.#vectors, 4 * i, this.#memory + end);
      this.#vectors[4 * i + 2] = payload.length;
      this.#copy.set(address, NAMES + i * NAME);
      this.#copy.set(payload, end);
      this.#headers[HEADER_WORDS * i + NAME_LENGTH] = address.length;
      end += payload.length;
    }
    writeMemory(this.#memory, this.#copy, end);
    return c.sendmmsg(descriptor, this.#headerBytes, count, MSG_FLAGS);
  }

  #fit(queue: readonly Outgoing[], first: number): number {
    const most = Math.min(DATAGRAM_BATCH, queue.length - first);
    let bytes = 0;
    for (let count = 0; count < most; count++) {
      bytes += queue[first + count]!.payload.length;
      if (bytes > SEND_BATCH_BYTES) return count;
    }
    return most;
  }
}

function sendOne(
  descriptor: number,
  { payload, address }: Outgoing,
): number {
  const sent = c.sendto(
    descriptor,
    // Bun gives no address for an empty array.
    payload.length === 0 ? NOTHING : payload,
    toUsize(payload.length),
    MSG_FLAGS,
    address,
    address.length,
  );
  return sent < 0 ? -1 : 1;
}

/** Offsets of addresses and payloads. */
const NAMES: number = DATAGRAM_BATCH * VECTOR;
const PAYLOADS: number = NAMES + DATAGRAM_BATCH * NAME;

const MSG_FLAGS: number = MSG_DONTWAIT | MSG_NOSIGNAL;
const NOTHING = new Uint8Array(1);

/** Writes an address as 64 bits. */
function putAddress(words: Uint32Array, at: number, address: number): void {
  words[at] = address % 2 ** 32;
  words[at + 1] = Math.floor(address / 2 ** 32);
}
