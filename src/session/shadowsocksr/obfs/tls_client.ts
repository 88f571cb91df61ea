/**
 * `tls1.2_ticket_auth` and `tls1.2_ticket_fastauth` at the client: a handshake
 * that looks like a resumed TLS 1.2 session, then records. The second variant
 * does not wait for the answer.
 *
 * @module
 */
import type { Allocate } from "../../../buffer_pool.ts";
import type { Layer } from "../../layer.ts";
import type { Step } from "../../stream_protocol.ts";
import { concat, equalBytes, NOTHING } from "../../../bytes.ts";
import type { Clock } from "../../../clock.ts";
import { MAX_SSR_TLS_RECORD } from "../../../limits.ts";
import { randomBelow, type RandomBytes } from "../../../random.ts";
import { stampOf } from "../stamp.ts";
import { cutShort, foreign } from "./foreign.ts";
import { pickHost } from "./hosts.ts";
import { hold } from "./random_head.ts";
import {
  CHANGE_CIPHER_SPEC,
  encodeClientHello,
  encodeFinish,
  RANDOM_LENGTH,
  RECORD,
  RECORD_HEADER,
  recordLength,
  SESSION_ID_LENGTH,
  startsLike,
  TlsMac,
} from "./tls_messages.ts";
import { RecordOpener, sealRecords } from "./tls_records.ts";

/** The disguise of a client's connections. */
export interface TlsDisguise {
  /** The name of the obfs. */
  readonly name: "tls1.2_ticket_auth" | "tls1.2_ticket_fastauth";
  /** Names for the field SNI, separated by commas. */
  readonly param: string;
  /** Name or address of the server. */
  readonly host: string;
  /** The key of the method. */
  readonly key: Uint8Array;
  /** 32 bytes that identify this client. */
  readonly sessionId: Uint8Array;
}

/** Bytes of the answer before the random field. */
const RANDOM_AT = RECORD_HEADER + 4 + 2;

/** The layer of one connection. */
export class TlsObfsClient implements Layer {
  readonly #disguise: TlsDisguise;
  readonly #clock: Clock;
  readonly #randomBytes: RandomBytes;
  readonly #mac: TlsMac;
  readonly #records = new RecordOpener();
  #state: "new" | "waiting" | "open" = "new";
  /** Payload that waits for the answer. */
  #held: Uint8Array = NOTHING;
  /** An incomplete answer: a few records, and one read. */
  #received: Uint8Array = NOTHING;

  /** Makes a layer that has sent nothing. */
  constructor(
    disguise: TlsDisguise,
    { clock, randomBytes }: {
      readonly clock: Clock;
      readonly randomBytes: RandomBytes;
    },
  ) {
    this.#disguise = disguise;
    this.#clock = clock;
    this.#randomBytes = randomBytes;
    this.#mac = new TlsMac(disguise.key, disguise.sessionId);
  }

  get isWaiting(): boolean {
    return this.#state === "waiting" && !this.#isFast;
  }

  wrap(payload: Uint8Array, allocate?: Allocate): Uint8Array {
    if (payload.length === 0) return payload;
    if (this.#state === "open") {
      return sealRecords(payload, this.#randomBytes, allocate);
    }
    const records = sealRecords(payload, this.#randomBytes);
    if (this.#state === "new") {
      this.#state = "waiting";
      if (this.#isFast) return concat(this.#hello(), this.#finish(), records);
      this.#held = records;
      return this.#hello();
    }
    if (this.#isFast) return records;
    this.#held = hold(this.#held, records);
    return NOTHING;
  }

  unwrap(bytes: Uint8Array, allocate?: Allocate): Step {
    if (this.#state === "open") {
      return { payload: this.#records.open(bytes, allocate) };
    }
    this.#received = concat(this.#received, bytes);
    const length = flightLength(this.#received);
    if (length === undefined) return { payload: NOTHING };
    this.#check(this.#received.subarray(0, length));
    const rest = this.#received.subarray(length);
    const held = this.#held;
    this.#state = "open";
    this.#held = this.#received = NOTHING;
    const payload = this.#records.open(rest);
    return this.#isFast
      ? { payload }
      : { payload, reply: concat(this.#finish(), held) };
  }

  end(): void {
    if (this.#state === "open") this.#records.end();
    else if (this.#state === "waiting") throw cutShort(this.#disguise.name);
  }

  /** True if payload does not wait for the answer. */
  get #isFast(): boolean {
    return this.#disguise.name === "tls1.2_ticket_fastauth";
  }

  #hello(): Uint8Array {
    const { param, host, sessionId } = this.#disguise;
    const random = this.#mac.random(stampOf(this.#clock), this.#randomBytes);
    return encodeClientHello(random, sessionId, {
      host: pickHost(param, host, this.#randomBytes),
      ticket: this.#randomBytes(16 * (8 + randomBelow(17, this.#randomBytes))),
    });
  }

  #finish(): Uint8Array {
    return encodeFinish(this.#mac, this.#randomBytes);
  }

  #check(flight: Uint8Array): void {
    const { name, sessionId } = this.#disguise;
    const idAt = RANDOM_AT + RANDOM_LENGTH + 1;
    const isOurs = this.#mac.ends(flight.subarray(RANDOM_AT, idAt - 1)) &&
      equalBytes(sessionId, flight.subarray(idAt, idAt + SESSION_ID_LENGTH)) &&
      this.#mac.ends(flight);
    if (!isOurs) throw foreign(name, "the server does not know the key");
  }
}

/**
 * Returns the length of an answer.
 *
 * @returns `undefined` if it is incomplete.
 * @throws {ProtocolError} `ERR_SSR_OBFS` if it is not an answer.
 */
function flightLength(bytes: Uint8Array): number | undefined {
  const NAME = "tls1.2_ticket_auth";
  let at = 0;
  for (let count = 0; count < 3; count++) {
    const rest = bytes.subarray(at);
    if (rest.length === 0) return undefined;
    const isLast = startsLike(rest, CHANGE_CIPHER_SPEC);
    if (isLast && rest.length < CHANGE_CIPHER_SPEC.length) return undefined;
    if (isLast && count > 0) at += CHANGE_CIPHER_SPEC.length;
    const record = bytes.subarray(at);
    if (!startsLike(record, Uint8Array.of(RECORD.handshake, 0x03, 0x03))) {
      throw foreign(NAME, "the server's answer is not TLS");
    }
    if (record.length < RECORD_HEADER) return undefined;
    const length = recordLength(record);
    const least = isLast ? 32 : count === 0 ? 4 + 2 + 32 + 1 + 32 : 0;
    if (length < least || length > MAX_SSR_TLS_RECORD) {
      throw foreign(NAME, `a record of its handshake has ${length} bytes`);
    }
    at += RECORD_HEADER + length;
    if (at > bytes.length) return undefined;
    if (isLast) return at;
  }
  throw foreign(NAME, "its handshake has too many records");
}
