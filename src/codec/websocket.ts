/**
 * WebSocket frames as Shadowsocks uses them: binary messages and no extension.
 *
 * ```text
 * FIN 1 bit | 0 3 bits | opcode 4 bits | MASK 1 bit | length 7 bits
 *   | length 2 bytes, if those are 126; 8 bytes, if 127
 *   | key 4 bytes, if MASK | payload
 * ```
 *
 * A client masks its frames, a server does not.
 *
 * Source: RFC 6455 §5 and §7.4. Does not: read text messages.
 *
 * @module
 */
import { type Allocate, allocateFresh } from "../buffer_pool.ts";
import { NOTHING, readU16, writeU16 } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { MAX_CONTROL_PAYLOAD } from "../limits.ts";

const CONTINUATION = 0x0;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

const FIN = 0x80;
const MASKED = 0x80;
const KEY_LENGTH = 4;

/** Bytes of the longest head of a frame. */
const MAX_HEAD = 2 + 8 + KEY_LENGTH;

/** Code of a Close frame: the sender has sent everything. */
export const CLOSE_NORMAL = 1_000;

/** The end that sends. */
export type WebSocketEnd = "client" | "server";

/** Writes frames of one end. */
export class FrameWriter {
  readonly #makeKey: (() => Uint8Array) | undefined;

  /** @param randomBytes Makes the masks of a client; not set for a server. */
  constructor(randomBytes: ((length: number) => Uint8Array) | undefined) {
    this.#makeKey = randomBytes && (() => randomBytes(KEY_LENGTH));
  }

  /**
   * Makes a frame with one binary message.
   *
   * @param payload Borrowed.
   * @param allocate Allocates the result; default: new memory.
   */
  message(payload: Uint8Array, allocate?: Allocate): Uint8Array {
    return this.#frame(BINARY, payload, allocate);
  }

  /** Makes a pong, the answer to a ping with this payload. */
  pong(payload: Uint8Array): Uint8Array {
    return this.#frame(PONG, payload);
  }

  /** Makes a Close frame. */
  close(code: number): Uint8Array {
    const payload = new Uint8Array(2);
    writeU16(payload, 0, code);
    return this.#frame(CLOSE, payload);
  }

  #frame(
    opcode: number,
    payload: Uint8Array,
    allocate: Allocate = allocateFresh,
  ): Uint8Array {
    const { length } = payload;
    const key = this.#makeKey?.();
    const extended = length < 126 ? 0 : length <= 0xffff ? 2 : 8;
    const head = 2 + extended + (key === undefined ? 0 : KEY_LENGTH);
    const frame = allocate(head + length);
    frame[0] = FIN | opcode;
    frame[1] = (key === undefined ? 0 : MASKED) |
      (extended === 0 ? length : extended === 2 ? 126 : 127);
    if (extended === 2) writeU16(frame, 2, length);
    if (extended === 8) writeU64(frame, 2, length);
    frame.set(payload, head);
    if (key !== undefined) {
      frame.set(key, head - KEY_LENGTH);
      mask(frame.subarray(head), key, 0);
    }
    return frame;
  }
}

/** The events in the bytes of the peer. */
export type FrameEvent =
  /** A part of a message; the last one has `isLast`. */
  | {
    readonly kind: "payload";
    readonly bytes: Uint8Array;
    readonly isLast: boolean;
  }
  /** A ping; the answer is a pong of the same payload. */
  | { readonly kind: "ping"; readonly bytes: Uint8Array }
  /**
   * The peer has sent everything. The code is `undefined` if the frame has
   * none.
   */
  | { readonly kind: "close"; readonly code: number | undefined };

/**
 * Reads frames of the other end. It must not be used after an error. Bytes
 * after a Close frame are ignored.
 *
 * Time: linear in the bytes read. Space: one head and one control payload.
 */
export class FrameReader {
  readonly #isMasked: boolean;
  readonly #maxMessage: number;
  readonly #head = new Uint8Array(MAX_HEAD);
  #headLength = 0;
  #control = NOTHING;
  #controlLength = 0;
  /** The frame whose payload is being read. */
  #opcode = -1;
  #isFinal = false;
  readonly #key = new Uint8Array(KEY_LENGTH);
  /**
   * Payload bytes of the frame: those that were read, and those that are left.
   */
  #read = 0;
  #left = 0;
  /** Announced bytes of the message; -1 between messages. */
  #message = -1;
  #isClosed = false;

  /**
   * @param peer The end whose frames are read.
   * @param maxMessage Maximum bytes of a message.
   */
  constructor(peer: WebSocketEnd, maxMessage: number) {
    this.#isMasked = peer === "client";
    this.#maxMessage = maxMessage;
  }

  /**
   * Reads bytes, split anywhere.
   *
   * @param bytes Owned by the reader from now on. The payload is unmasked in
   * place and returned as views of them.
   * @throws {ProtocolError} `ERR_WS_FRAME`.
   */
  read(bytes: Uint8Array): FrameEvent[] {
    const events: FrameEvent[] = [];
    for (let at = 0; at < bytes.length && !this.#isClosed;) {
      if (this.#opcode < 0) {
        at += this.#readHead(bytes.subarray(at));
        if (this.#opcode < 0) continue;
      }
      const part = bytes.subarray(at, at + this.#left);
      at += part.length;
      const event = this.#readPayload(part);
      if (event !== undefined) events.push(event);
    }
    return events;
  }

  /** True after a Close frame of the peer. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Reports the end of the peer's bytes.
   *
   * @throws {ProtocolError} `ERR_WS_TRUNCATED` inside a frame or a message.
   */
  end(): void {
    const isInside = this.#headLength > 0 || this.#opcode >= 0 ||
      this.#message >= 0;
    if (!isInside || this.#isClosed) return;
    throw new ProtocolError(
      "ERR_WS_TRUNCATED",
      "WebSocket stream ended inside a message",
    );
  }

  /**
   * Reads bytes of a head; a complete head starts the frame.
   *
   * @returns Bytes taken.
   */
  #readHead(bytes: Uint8Array): number {
    let taken = 0;
    while (taken < bytes.length) {
      this.#head[this.#headLength++] = bytes[taken++]!;
      if (this.#headLength === 2) this.#checkHead();
      if (this.#headLength < 2 || this.#headLength < this.#wanted) continue;
      this.#begin();
      break;
    }
    return taken;
  }

  /** The length of the head in bytes, from its second byte. */
  get #wanted(): number {
    const short = this.#head[1]! & 0x7f;
    return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) +
      (this.#isMasked ? KEY_LENGTH : 0);
  }

  #checkHead(): void {
    const first = this.#head[0]!;
    const second = this.#head[1]!;
    const opcode = first & 0x0f;
    const isControl = opcode >= CLOSE;
    if ((first & 0x70) !== 0) throw wrong("a reserved bit is set");
    if ((second & MASKED) !== 0 !== this.#isMasked) {
      throw wrong(this.#isMasked ? "it is not masked" : "it is masked");
    }
    if (isControl && (first & FIN) === 0) {
      throw wrong("a control frame is in fragments");
    }
    if (isControl && (second & 0x7f) > MAX_CONTROL_PAYLOAD) {
      throw wrong(`a control frame has over ${MAX_CONTROL_PAYLOAD} bytes`);
    }
    if (!OPCODES.has(opcode)) throw wrong(`opcode ${opcode} is not supported`);
    const isInside = this.#message >= 0;
    if (opcode === CONTINUATION && !isInside) {
      throw wrong("a continuation frame has no message before it");
    }
    if (opcode === BINARY && isInside) {
      throw wrong("a message begins inside another");
    }
  }

  #begin(): void {
    const head = this.#head;
    const short = head[1]! & 0x7f;
    const length = short === 126
      ? readU16(head, 2)
      : short === 127
      ? readU64(head, 2)
      : short;
    if (short === 126 && length < 126 || short === 127 && length <= 0xffff) {
      throw wrong("its length is not written in the shortest form");
    }
    const opcode = head[0]! & 0x0f;
    if (opcode < CLOSE) {
      this.#message = Math.max(this.#message, 0) + length;
      if (this.#message > this.#maxMessage) {
        throw wrong(`a message has over ${this.#maxMessage} bytes`);
      }
    } else {
      this.#control = new Uint8Array(length);
      this.#controlLength = 0;
    }
    if (this.#isMasked) {
      this.#key.set(
        head.subarray(this.#headLength - KEY_LENGTH, MAX_HEAD)
          .subarray(0, KEY_LENGTH),
      );
    }
    this.#opcode = opcode;
    this.#isFinal = (head[0]! & FIN) !== 0;
    this.#read = 0;
    this.#left = length;
    this.#headLength = 0;
  }

  /** Reads a part of the payload, or all of it. */
  #readPayload(part: Uint8Array): FrameEvent | undefined {
    if (this.#isMasked) mask(part, this.#key, this.#read);
    this.#read += part.length;
    this.#left -= part.length;
    const isWhole = this.#left === 0;
    const opcode = this.#opcode;
    if (isWhole) this.#opcode = -1;
    if (opcode < CLOSE) {
      const isLast = isWhole && this.#isFinal;
      if (isLast) this.#message = -1;
      return part.length > 0 || isLast
        ? { kind: "payload", bytes: part, isLast }
        : undefined;
    }
    this.#control.set(part, this.#controlLength);
    this.#controlLength += part.length;
    if (!isWhole || opcode === PONG) return undefined;
    if (opcode === PING) return { kind: "ping", bytes: this.#control };
    this.#isClosed = true;
    return { kind: "close", code: closeCode(this.#control) };
  }
}

const OPCODES: ReadonlySet<number> = new Set([
  CONTINUATION,
  BINARY,
  CLOSE,
  PING,
  PONG,
]);

/**
 * Reads the code of a Close frame.
 *
 * @throws {ProtocolError} For a code that must not be sent.
 */
function closeCode(payload: Uint8Array): number | undefined {
  if (payload.length === 0) return undefined;
  const code = payload.length === 1 ? 0 : readU16(payload, 0);
  const isDefined = code >= CLOSE_NORMAL && code <= 1_014 &&
    !NEVER_SENT.has(code);
  if (isDefined || code >= 3_000 && code <= 4_999) return code;
  throw wrong("its Close code must not be sent");
}

/** RFC 6455 §7.4.1. */
const NEVER_SENT: ReadonlySet<number> = new Set([1_004, 1_005, 1_006]);

/**
 * Masks or unmasks bytes in place.
 *
 * @param offset Bytes of the payload before these.
 */
function mask(bytes: Uint8Array, key: Uint8Array, offset: number): void {
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = bytes[i]! ^ key[(offset + i) & 3]!;
  }
}

function writeU64(bytes: Uint8Array, at: number, value: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
  view.setBigUint64(0, BigInt(value));
}

/**
 * Reads a 64-bit number. A number beyond the exact range exceeds every limit.
 */
function readU64(bytes: Uint8Array, at: number): number {
  return Number(
    new DataView(bytes.buffer, bytes.byteOffset + at, 8).getBigUint64(0),
  );
}

function wrong(what: string): ProtocolError {
  return new ProtocolError(
    "ERR_WS_FRAME",
    `Cannot read WebSocket frame: ${what}`,
  );
}
