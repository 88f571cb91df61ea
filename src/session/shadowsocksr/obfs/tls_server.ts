/**
 * `tls1.2_ticket_auth` at the server, which also serves clients of
 * `tls1.2_ticket_fastauth`.
 *
 * Security: it answers only a hello that is authenticated, has a valid time
 * stamp, and is new. Nothing else gets an answer.
 *
 * @module
 */
import type { Allocate } from "../../../buffer_pool.ts";
import type { Layer } from "../../layer.ts";
import type { Step } from "../../stream_protocol.ts";
import { concat, equalBytes, NOTHING } from "../../../bytes.ts";
import { MAX_SSR_TLS_RECORD } from "../../../limits.ts";
import { checkStamp, stampOf } from "../stamp.ts";
import { acceptOnce, type Questions, type SsrServerWorld } from "../world.ts";
import { cutShort, foreign } from "./foreign.ts";
import {
  CHANGE_CIPHER_SPEC,
  encodeServerFlight,
  FINISH_LENGTH,
  RANDOM_LENGTH,
  RECORD,
  RECORD_HEADER,
  recordLength,
  SESSION_ID_LENGTH,
  startsLike,
  TlsMac,
} from "./tls_messages.ts";
import { RecordOpener, sealRecords } from "./tls_records.ts";

const NAME = "tls1.2_ticket_auth";

/** Bytes of a hello before the random field. */
const RANDOM_AT = RECORD_HEADER + 4 + 2;

/** Bytes of a hello up to the end of the session id. */
const HELLO_START = RANDOM_AT + RANDOM_LENGTH + 1 + SESSION_ID_LENGTH;

/** The layer of one connection. */
export class TlsObfsServer implements Layer {
  readonly #key: Uint8Array;
  readonly #world: SsrServerWorld;
  readonly #questions: Questions;
  readonly #maxSkewSeconds: number;
  readonly #records = new RecordOpener();
  #mac: TlsMac | undefined;
  #state: "hello" | "finish" | "open" = "hello";
  /** An incomplete message: one record, and one read. */
  #received: Uint8Array = NOTHING;

  /**
   * Makes a layer that waits for a hello.
   *
   * @param port `key`: the key of the method; `param`: seconds a hello's time
   * stamp may differ; if empty, as in all headers.
   * @param questions Receives pending answers of a shared replay filter. The
   * answer to a hello is sent before they arrive.
   */
  constructor(
    { key, param }: { readonly key: Uint8Array; readonly param: string },
    world: SsrServerWorld,
    questions: Questions,
  ) {
    this.#key = key;
    this.#world = world;
    this.#questions = questions;
    const { maxSkewSeconds } = world.connections;
    this.#maxSkewSeconds = /^[1-9]\d{0,8}$/.test(param)
      ? Math.min(Number(param), maxSkewSeconds)
      : maxSkewSeconds;
  }

  wrap(payload: Uint8Array, allocate?: Allocate): Uint8Array {
    return sealRecords(payload, this.#world.randomBytes, allocate);
  }

  unwrap(bytes: Uint8Array, allocate?: Allocate): Step {
    if (this.#state === "open") {
      return { payload: this.#records.open(bytes, allocate) };
    }
    this.#received = concat(this.#received, bytes);
    const reply = this.#state === "hello" ? this.#takeHello() : undefined;
    const payload = this.#mac === undefined
      ? NOTHING
      : this.#takeFinish(this.#mac);
    return { payload, ...(reply && { reply }) };
  }

  end(): void {
    if (this.#state === "open") this.#records.end();
    else throw cutShort(NAME);
  }

  #takeHello(): Uint8Array | undefined {
    const received = this.#received;
    if (!startsLike(received, Uint8Array.of(RECORD.handshake, 0x03, 0x01))) {
      throw foreign(NAME, "it is not a hello");
    }
    if (received.length < RECORD_HEADER) return undefined;
    const length = RECORD_HEADER + recordLength(received);
    if (length < HELLO_START || length > MAX_SSR_TLS_RECORD) {
      throw foreign(NAME, `a hello of ${length} bytes is impossible`);
    }
    if (received.length < length) return undefined;
    const flight = this.#answer(received.subarray(0, length));
    this.#received = received.subarray(length);
    this.#state = "finish";
    return flight;
  }

  #answer(hello: Uint8Array): Uint8Array {
    const body = hello.length - RECORD_HEADER - 4;
    const start = Uint8Array.of(0x01, 0x00, body >>> 8, body, 0x03, 0x03);
    const random = hello.subarray(RANDOM_AT, RANDOM_AT + RANDOM_LENGTH);
    const sessionId = hello.subarray(HELLO_START - SESSION_ID_LENGTH);
    if (
      !equalBytes(start, hello.subarray(RECORD_HEADER, RANDOM_AT)) ||
      hello[RANDOM_AT + RANDOM_LENGTH] !== SESSION_ID_LENGTH
    ) throw foreign(NAME, "its hello is malformed");
    const id = sessionId.slice(0, SESSION_ID_LENGTH);
    const mac = new TlsMac(this.#key, id);
    if (!mac.ends(random)) throw foreign(NAME, "its hello has a wrong mac");
    const { clock, randomBytes, connections } = this.#world;
    const stamp = new DataView(random.slice(0, 4).buffer).getUint32(0);
    checkStamp(stamp, clock, {
      maxSkewSeconds: this.#maxSkewSeconds,
      sinceUnixMs: connections.sinceUnixMs,
    });
    this.#questions.add(acceptOnce(this.#world, random));
    this.#mac = mac;
    return encodeServerFlight(mac.random(stampOf(clock), randomBytes), id, {
      mac,
      randomBytes,
    });
  }

  #takeFinish(mac: TlsMac): Uint8Array {
    const received = this.#received;
    if (!startsLike(received, FINISH_START)) {
      throw foreign(NAME, "its handshake continues with another message");
    }
    if (received.length < FINISH_LENGTH) return NOTHING;
    if (!mac.ends(received.subarray(0, FINISH_LENGTH))) {
      throw foreign(NAME, "the end of its handshake has a wrong mac");
    }
    this.#state = "open";
    this.#received = NOTHING;
    return this.#records.open(received.subarray(FINISH_LENGTH));
  }
}

const FINISH_START = concat(
  CHANGE_CIPHER_SPEC,
  Uint8Array.of(RECORD.handshake, 0x03, 0x03, 0x00, 0x20),
);
