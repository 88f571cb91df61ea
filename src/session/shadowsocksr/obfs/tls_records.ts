/**
 * The data of `tls1.2_ticket_auth`: records of a type, a version, a length and
 * so many bytes as they are.
 *
 * @module
 */
import { concat, NOTHING, writeU16 } from "../../../bytes.ts";
import { ProtocolError } from "../../../errors.ts";
import { randomBelow, type RandomBytes } from "../../../random.ts";
import { foreign } from "./foreign.ts";
import { RECORD, RECORD_HEADER, recordLength } from "./tls_messages.ts";

/** Bytes that are left for one last record. */
const LAST_RECORD = 2_048;

/** Shortest and longest of the records before it. */
const MIN_RECORD = 100;
const MAX_RECORD = 4_195;

/** Cuts a write into records, at random while it is long. */
export function sealRecords(
  payload: Uint8Array,
  randomBytes: RandomBytes,
): Uint8Array {
  const parts: Uint8Array[] = [];
  let rest = payload;
  while (rest.length > LAST_RECORD) {
    const wanted = MIN_RECORD +
      randomBelow(MAX_RECORD - MIN_RECORD + 1, randomBytes);
    parts.push(...record(rest.subarray(0, wanted)));
    rest = rest.subarray(wanted);
  }
  if (rest.length > 0) parts.push(...record(rest));
  return concat(...parts);
}

/** Takes records off again, however they are split. */
export class RecordOpener {
  readonly #header = new Uint8Array(RECORD_HEADER);
  #headerLength = 0;
  /** Bytes of the record under way that are missing. */
  #missing = 0;

  /**
   * All payload that is there, owned by the caller.
   *
   * @throws {ProtocolError} `ERR_SSR_OBFS`.
   */
  open(bytes: Uint8Array): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      if (this.#missing > 0) {
        const part = bytes.subarray(at, at + this.#missing);
        parts.push(part);
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
    return parts.length === 0 ? NOTHING : concat(...parts);
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
    throw foreign("tls1.2_ticket_auth", "it is no record of data");
  }
}

function record(payload: Uint8Array): [Uint8Array, Uint8Array] {
  const header = Uint8Array.of(RECORD.data, 0x03, 0x03, 0, 0);
  writeU16(header, 3, payload.length);
  return [header, payload];
}
