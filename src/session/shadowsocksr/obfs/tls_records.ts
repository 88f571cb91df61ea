/**
 * The data of `tls1.2_ticket_auth`: records with a type, a version, a length
 * and unchanged payload.
 *
 * @module
 */
import { type Allocate, allocateFresh } from "../../../buffer_pool.ts";
import { writeU16 } from "../../../bytes.ts";
import { ProtocolError } from "../../../errors.ts";
import { randomBelow, type RandomBytes } from "../../../random.ts";
import { foreign } from "./foreign.ts";
import { RECORD, RECORD_HEADER, recordLength } from "./tls_messages.ts";

/** A rest of at most this many bytes becomes one last record. */
const LAST_RECORD = 2_048;

/** The shortest and the longest of the other records. */
const MIN_RECORD = 100;
const MAX_RECORD = 4_195;

/**
 * Splits a write into records, of random sizes while it is long.
 *
 * @param allocate Allocates the result; default: new memory.
 */
export function sealRecords(
  payload: Uint8Array,
  randomBytes: RandomBytes,
  allocate: Allocate = allocateFresh,
): Uint8Array {
  const sizes: number[] = [];
  let left = payload.length;
  while (left > LAST_RECORD) {
    const wanted = MIN_RECORD +
      randomBelow(MAX_RECORD - MIN_RECORD + 1, randomBytes);
    sizes.push(Math.min(wanted, left));
    left -= sizes.at(-1)!;
  }
  if (left > 0) sizes.push(left);
  const out = allocate(payload.length + RECORD_HEADER * sizes.length);
  let from = 0;
  let at = 0;
  for (const size of sizes) {
    out.set(DATA_HEADER, at);
    writeU16(out, at + 3, size);
    at += RECORD_HEADER;
    out.set(payload.subarray(from, from + size), at);
    from += size;
    at += size;
  }
  return out;
}

/** The first bytes of a record, without its length. */
const DATA_HEADER = Uint8Array.of(RECORD.data, 0x03, 0x03);

/** Removes the headers of records, however they are split. */
export class RecordOpener {
  readonly #header = new Uint8Array(RECORD_HEADER);
  #headerLength = 0;
  /** Missing bytes of the current record. */
  #missing = 0;

  /**
   * Returns all payload in the bytes.
   *
   * @param allocate Allocates the result; default: new memory.
   * @throws {ProtocolError} `ERR_SSR_OBFS`.
   */
  open(bytes: Uint8Array, allocate: Allocate = allocateFresh): Uint8Array {
    const out = allocate(bytes.length);
    let length = 0;
    for (let at = 0; at < bytes.length;) {
      if (this.#missing > 0) {
        const part = bytes.subarray(at, at + this.#missing);
        out.set(part, length);
        length += part.length;
        at += part.length;
        this.#missing -= part.length;
        continue;
      }
      this.#header[this.#headerLength++] = bytes[at++]!;
      this.#checkHeader();
      if (this.#headerLength < RECORD_HEADER) continue;
      this.#headerLength = 0;
      this.#missing = recordLength(this.#header);
    }
    return out.subarray(0, length);
  }

  /** @throws {ProtocolError} `ERR_SS_TRUNCATED` inside a record. */
  end(): void {
    if (this.#missing === 0 && this.#headerLength === 0) return;
    throw new ProtocolError(
      "ERR_SS_TRUNCATED",
      "Cannot open stream: it ended inside a record",
    );
  }

  #checkHeader(): void {
    const at = this.#headerLength - 1;
    const expected = [RECORD.data, 0x03, 0x03][at];
    if (expected === undefined || this.#header[at] === expected) return;
    throw foreign("tls1.2_ticket_auth", "it is not a data record");
  }
}
